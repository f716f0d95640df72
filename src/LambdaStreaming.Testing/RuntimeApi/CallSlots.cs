namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>Limits the calls of a function to the number that its processes can handle. Further calls wait.</summary>
#pragma warning disable CA1001 // The semaphore has no wait handle to dispose. An abandoned call might still use it.
internal sealed class CallSlots(RuntimeProcessOptions options, LocalLambdaServerOptions server)
#pragma warning restore CA1001
{
    // A process requests its next call within milliseconds after a response. Such a wait is not reported.
    private static readonly TimeSpan ReportDelay = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _slots = new(options.MaxCalls);
    private readonly object _gate = new();
    private int _waiting;
    private bool _isReported;

    /// <summary>Waits until a process can handle the call.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        var slot = _slots.WaitAsync(cancellationToken);
        if (!slot.IsCompleted)
        {
            lock (_gate) _waiting++;
            try
            {
                await slot.WaitAsync(ReportDelay, server.TimeProvider, CancellationToken.None)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!slot.IsCompleted) ReportWait();
                await slot.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            finally
            {
                lock (_gate)
                {
                    if (--_waiting == 0) _isReported = false;
                }
            }
        }

        await slot.ConfigureAwait(false);
    }

    public void Release() => _slots.Release();

    /// <summary>Reports that a call waits, unless this was reported and calls have waited since then.</summary>
    private void ReportWait()
    {
        lock (_gate)
        {
            if (_isReported) return;
            _isReported = true;
        }

        options.ReportLine(
            $"A call waits, because all processes are busy (maximum: {options.MaxProcesses}). Calls whose client has "
            + $"disconnected continue until their end or timeout. To allow more processes, set "
            + $"{nameof(RuntimeProcessOptions.MaxProcesses)} (lambda-stream serve: --processes).");
    }
}
