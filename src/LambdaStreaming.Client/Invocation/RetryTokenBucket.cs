namespace LambdaStreaming.Invocation;

/// <summary>A token bucket for all retries of a client, so that they do not make an outage worse.</summary>
/// <remarks>
/// Source: aws/aws-sdk-net#4411, the numbers of the AWS SDKs' 2026 retry rules: 500 tokens; a retry costs 14, after
/// throttling 5; a success returns 1, a success after a retry the cost of that.
/// </remarks>
internal sealed class RetryTokenBucket
{
    private const int Capacity = 500;
    private const int TransientCost = 14;
    private const int ThrottlingCost = 5;

    private readonly object _lock = new();
    private int _tokens = Capacity;

    public static int GetCost(Exception failure) =>
        failure is LambdaServiceException { IsThrottling: true } ? ThrottlingCost : TransientCost;

    public bool TryTake(int cost)
    {
        lock (_lock)
        {
            if (_tokens < cost) return false;
            _tokens -= cost;
            return true;
        }
    }

    /// <summary>Returns tokens after a success.</summary>
    /// <param name="failureBefore">The failure that was retried before, if any.</param>
    public void Return(Exception? failureBefore)
    {
        lock (_lock) _tokens = Math.Min(Capacity, _tokens + (failureBefore is null ? 1 : GetCost(failureBefore)));
    }
}
