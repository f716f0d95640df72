namespace LambdaStreaming.ResponseStream;

/// <summary>The result of each reader of a response that returns an <c>IAsyncEnumerable</c>.</summary>
/// <remarks>A response can be enumerated only once; <see cref="GetAsyncEnumerator"/> begins that enumeration.</remarks>
/// <param name="begin">Begins the enumeration, with the token of <see cref="GetAsyncEnumerator"/>.</param>
internal sealed class DeferredEnumerable<T>(Func<CancellationToken, IAsyncEnumerator<T>> begin) : IAsyncEnumerable<T>
{
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        begin(cancellationToken);
}
