using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Payload;

/// <summary>The result of every payload reader that returns an <c>IAsyncEnumerable</c>. The one enumeration begins with its enumerator.</summary>
internal sealed class PayloadEnumerable<T>(
    ResponsePayload payload, Func<PayloadSegmentReader, IAsyncEnumerator<T>> read, CancellationToken cancellationToken) : IAsyncEnumerable<T>
{
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken enumeratorToken = default)
    {
        var cursor = payload.Open(cancellationToken);
        cursor.RegisterCancellation(enumeratorToken);
        return new GuardedEnumerator<T>(read(cursor), cursor.Source);
    }
}
