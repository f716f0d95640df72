namespace LambdaStreaming.Testing.Http;

/// <summary>How many connections there were and are, and a wait for a number of them.</summary>
internal sealed class ConnectionCount
{
    private readonly object _gate = new();
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiters = [];
    private int _opened;
    private int _open;

    public int Opened => Volatile.Read(ref _opened);

    public int Open => Volatile.Read(ref _open);

    /// <summary>Counts a connection until the result is disposed.</summary>
    public IDisposable Enter()
    {
        Change(+1);
        return new Entry(this);
    }

    public Task WaitForOpenAsync(int count, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_open == count) return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((count, reached));
            return reached.Task.WaitAsync(cancellationToken);
        }
    }

    private void Change(int by)
    {
        lock (_gate)
        {
            if (by > 0) _opened++;
            _open += by;
            foreach ((var count, var reached) in _waiters)
            {
                if (count == _open) reached.TrySetResult();
            }

            _waiters.RemoveAll(waiter => waiter.Reached.Task.IsCompleted);
        }
    }

    private sealed class Entry(ConnectionCount count) : IDisposable
    {
        public void Dispose() => count.Change(-1);
    }
}
