namespace LambdaStreaming.Testing.Http;

/// <summary>The accepted and rejected requests, at most <paramref name="maxRecorded"/> of them.</summary>
/// <remarks>Above the limit, the oldest request is removed.</remarks>
internal sealed class RequestLog(int maxRecorded)
{
    private readonly object _gate = new();
    private readonly Queue<ReceivedRequest> _requests = new();
    private readonly Dictionary<string, int> _attempts = new(StringComparer.Ordinal);
    private TaskCompletionSource _added = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Both are counted from the first request of the server.
    private long _removedCount;
    private long _returnedCount;

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
            request.Number = _removedCount + _requests.Count;
            if (_requests.Count > maxRecorded) RemoveOldest();
            _added.SetResult();
            _added = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public async Task<ReceivedRequest> WaitForNextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task added;
            lock (_gate)
            {
                _returnedCount = Math.Max(_returnedCount, _removedCount);
                var next = (int)(_returnedCount - _removedCount);
                if (next < _requests.Count)
                {
                    _returnedCount++;
                    return _requests.ElementAt(next);
                }

                added = _added.Task;
            }

            await added.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<ReceivedRequest> WaitForFirstAsync(
        Func<ReceivedRequest, bool> predicate, CancellationToken cancellationToken)
    {
        for (long checkedUpTo = 0; ;)
        {
            Task added;
            ReceivedRequest[] newRequests;
            lock (_gate)
            {
                newRequests = [.. _requests.Skip((int)Math.Max(0, checkedUpTo - _removedCount))];
                checkedUpTo = _removedCount + _requests.Count;
                added = _added.Task;
            }

            foreach (var request in newRequests)
            {
                if (predicate(request)) return request;
            }

            await added.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void RemoveOldest()
    {
        var oldest = _requests.Dequeue();
        _removedCount++;
        if (oldest.SdkInvocationId is { } id && _attempts.GetValueOrDefault(id) == oldest.Attempt) _attempts.Remove(id);
    }
}
