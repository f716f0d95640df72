namespace LambdaStreaming.Testing.Http;

/// <summary>Counts connections and waits for a number of open connections.</summary>
internal sealed class ConnectionCount
{
    private readonly object _gate = new();
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiters = [];
    private int _total;
    private int _open;

    public int Total => Volatile.Read(ref _total);

    public int Open => Volatile.Read(ref _open);

    /// <summary>Counts a connection as open until the result is disposed.</summary>
    public IDisposable Add()
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

    private void Change(int difference)
    {
        lock (_gate)
        {
            if (difference > 0) _total++;
            _open += difference;
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
