namespace LambdaStreaming.Testing.Http;

/// <summary>The requests in the order of their arrival.</summary>
internal sealed class RequestLog
{
    private readonly object _gate = new();
    private readonly List<SeenRequest> _requests = [];
    private readonly Dictionary<string, int> _attempts = new(StringComparer.Ordinal);
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _handedOut;

    public IReadOnlyList<SeenRequest> Snapshot()
    {
        lock (_gate) return [.. _requests];
    }

    /// <summary>Adds the request that <paramref name="create"/> makes of its attempt number.</summary>
    public SeenRequest Add(string? sdkInvocationId, Func<int, SeenRequest> create)
    {
        lock (_gate)
        {
            int attempt = 1;
            if (sdkInvocationId is not null)
                _attempts[sdkInvocationId] = attempt = _attempts.GetValueOrDefault(sdkInvocationId) + 1;
            SeenRequest request = create(attempt);
            _requests.Add(request);
            _arrived.SetResult();
            _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return request;
        }
    }

    public async Task<SeenRequest> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task arrived;
            lock (_gate)
            {
                if (_handedOut < _requests.Count) return _requests[_handedOut++];
                arrived = _arrived.Task;
            }

            await arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<SeenRequest> FirstAsync(Func<SeenRequest, bool> predicate, CancellationToken cancellationToken)
    {
        for (int seen = 0; ;)
        {
            Task arrived;
            SeenRequest[] fresh;
            lock (_gate)
            {
                fresh = [.. _requests.Skip(seen)];
                arrived = _arrived.Task;
            }

            foreach (SeenRequest request in fresh)
            {
                seen++;
                if (predicate(request)) return request;
            }

            await arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
