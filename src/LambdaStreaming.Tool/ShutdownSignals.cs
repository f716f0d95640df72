using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace LambdaStreaming.Tool;

/// <summary>Ctrl-C and SIGTERM: the first ends what runs, the second ends the program as if nobody listened.</summary>
internal sealed class ShutdownSignals : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _signals;

    [SuppressMessage("Reliability", "CA2000", Justification = "Dispose does it.")]
    public ShutdownSignals(ToolConsole console)
    {
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal), PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal)];

        void OnSignal(PosixSignalContext context)
        {
            if (Interlocked.Increment(ref _signals) > 1)
            {
                // A progress line has hidden the cursor.
                if (console.ErrorIsTerminal) console.Error.Write("\e[?25h");
                return;
            }

            context.Cancel = true;
            Terminated = context.Signal == PosixSignal.SIGTERM;
            _stopping.Cancel();
        }
    }

    public CancellationToken Token => _stopping.Token;

    public bool Terminated { get; private set; }

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _stopping.Dispose();
    }
}
