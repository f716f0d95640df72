using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace LambdaStreaming.Tool;

/// <summary>Handlers of Ctrl-C and SIGTERM.</summary>
/// <remarks>The first signal cancels the running command. The second one ends the process immediately.</remarks>
internal sealed class ShutdownSignals : IDisposable
{
    private static readonly TimeSpan CursorTimeout = TimeSpan.FromMilliseconds(100);

    // It is not disposed, because a handler can still run after Dispose. It has neither a timer nor a wait handle.
    private readonly CancellationTokenSource _stopping = new();
    private readonly ToolConsole _console;
    private readonly PosixSignalRegistration[] _registrations;
    private int _signals;

    [SuppressMessage("Reliability", "CA2000", Justification = "Dispose disposes the registrations.")]
    public ShutdownSignals(ToolConsole console)
    {
        _console = console;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        ];
    }

    public CancellationToken Token => _stopping.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }

    internal void OnSignal(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _signals) > 1)
        {
            // Show the cursor, which the progress line has hidden. The signal ends the process when this method has
            // returned, so it does not wait for a terminal that accepts no output.
            if (_console.ErrorIsTerminal)
                Task.WaitAny([Task.Run(() => _console.Error.Write("\e[?25h"))], CursorTimeout);
            return;
        }

        context.Cancel = true;
        if (context.Signal == PosixSignal.SIGTERM)
            _console.InterruptedExitCode = ExitCode.Terminated;
        _stopping.Cancel();
    }
}
