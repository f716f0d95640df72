using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace LambdaStreaming.Tool;

/// <summary>Handlers of Ctrl-C and SIGTERM.</summary>
/// <remarks>The first signal cancels the running command. The second one ends the process immediately.</remarks>
internal sealed class ShutdownSignals : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _signals;

    [SuppressMessage("Reliability", "CA2000", Justification = "Dispose disposes the registrations.")]
    public ShutdownSignals(ToolConsole console)
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        ];

        void OnSignal(PosixSignalContext context)
        {
            if (Interlocked.Increment(ref _signals) > 1)
            {
                // Show the cursor, which the progress line has hidden.
                if (console.ErrorIsTerminal)
                    console.Error.Write("\e[?25h");
                return;
            }

            context.Cancel = true;
            if (context.Signal == PosixSignal.SIGTERM)
                console.InterruptedExitCode = ExitCode.Terminated;
            _stopping.Cancel();
        }
    }

    public CancellationToken Token => _stopping.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _stopping.Dispose();
    }
}
