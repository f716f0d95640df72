namespace LambdaStreaming.Invocation;

/// <summary>A token bucket that limits retries, so that they do not make an outage worse.</summary>
/// <remarks>
/// All calls share the bucket of the client, or of an <c>AddLambdaRetry</c> in a custom pipeline.
/// Source: aws/aws-sdk-net#4411, the numbers of the AWS SDKs' 2026 retry rules. The bucket has 500 tokens. A retry
/// costs 14 tokens, or 5 after throttling. A success returns 1 token; a success after a retry returns the cost of the
/// retry.
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
    /// <param name="failureBefore">
    /// The failure that the successful attempt retried; <see langword="null"/> if the first attempt succeeded.
    /// </param>
    public void Return(Exception? failureBefore)
    {
        lock (_lock) _tokens = Math.Min(Capacity, _tokens + (failureBefore is null ? 1 : GetCost(failureBefore)));
    }
}
