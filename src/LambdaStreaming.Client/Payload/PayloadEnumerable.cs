using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Payload;

/// <summary>The result of each payload reader that returns an <c>IAsyncEnumerable</c>.</summary>
/// <remarks>A response can be enumerated only once; <see cref="GetAsyncEnumerator"/> begins that enumeration.</remarks>
internal sealed class PayloadEnumerable<T>(
    ResponsePayload payload,
    Func<PayloadSegmentReader, IAsyncEnumerator<T>> read,
    CancellationToken cancellationToken)
    : IAsyncEnumerable<T>
{
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken enumeratorToken = default)
    {
        var segments = payload.Open(cancellationToken);
        segments.RegisterCancellation(enumeratorToken);
        return new GuardedEnumerator<T>(read(segments), segments.Source);
    }
}
