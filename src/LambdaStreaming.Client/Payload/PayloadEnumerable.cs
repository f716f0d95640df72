namespace LambdaStreaming.Payload;

/// <summary>What every <c>IAsyncEnumerable</c> of the readers is: the one enumeration begins with its enumerator, and both tokens stay the caller's own.</summary>
internal sealed class PayloadEnumerable<T>(ResponsePayload payload, Func<PayloadCursor, IAsyncEnumerator<T>> read, CancellationToken cancellationToken) : IAsyncEnumerable<T>
{
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken enumeratorToken = default)
    {
        var cursor = payload.Open(cancellationToken);
        cursor.AbortOn(enumeratorToken);
        return read(cursor);
    }
}
