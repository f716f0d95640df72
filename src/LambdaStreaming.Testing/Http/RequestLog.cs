namespace LambdaStreaming.Testing.Http;

/// <summary>The requests that were accepted or refused; of more than <paramref name="maxKept"/> the oldest are forgotten.</summary>
internal sealed class RequestLog(int maxKept)
{
    private readonly object _gate = new();
    private readonly Queue<ReceivedRequest> _requests = new();
    private readonly Dictionary<string, int> _attempts = new(StringComparer.Ordinal);
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    // Both count from the first request ever.
    private long _forgotten;
    private long _handedOut;

    public IReadOnlyList<ReceivedRequest> Snapshot()
    {
        lock (_gate) return [.. _requests];
    }

    /// <summary>Counts the requests with the same <c>amz-sdk-invocation-id</c>.</summary>
    /// <returns>The ordinal of the request that has just arrived, from 1.</returns>
    public int CountAttempt(string? sdkInvocationId)
    {
        if (sdkInvocationId is null) return 1;
        lock (_gate) return _attempts[sdkInvocationId] = _attempts.GetValueOrDefault(sdkInvocationId) + 1;
    }

    public void Add(ReceivedRequest request)
    {
        lock (_gate)
        {
            _requests.Enqueue(request);
            if (_requests.Count > maxKept) ForgetOldest();
            _arrived.SetResult();
            _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public async Task<ReceivedRequest> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task arrived;
            lock (_gate)
            {
                _handedOut = Math.Max(_handedOut, _forgotten);
                var next = (int)(_handedOut - _forgotten);
                if (next < _requests.Count)
                {
                    _handedOut++;
                    return _requests.ElementAt(next);
                }

                arrived = _arrived.Task;
            }

            await arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<ReceivedRequest> FirstAsync(Func<ReceivedRequest, bool> predicate, CancellationToken cancellationToken)
    {
        for (long seen = 0; ;)
        {
            Task arrived;
            ReceivedRequest[] fresh;
            lock (_gate)
            {
                fresh = [.. _requests.Skip((int)Math.Max(0, seen - _forgotten))];
                seen = _forgotten + _requests.Count;
                arrived = _arrived.Task;
            }

            foreach (var request in fresh)
            {
                if (predicate(request)) return request;
            }

            await arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void ForgetOldest()
    {
        var oldest = _requests.Dequeue();
        _forgotten++;
        if (oldest.SdkInvocationId is { } id && _attempts.GetValueOrDefault(id) == oldest.Attempt) _attempts.Remove(id);
    }
}
