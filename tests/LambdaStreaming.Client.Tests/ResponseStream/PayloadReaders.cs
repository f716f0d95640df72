using System.Text;
using LambdaStreaming.Tests.Payload;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>Every reader that enumerates, with a payload of which it makes one element or more per chunk.</summary>
internal sealed record PayloadReaders(byte[] Payload, Func<InvokeWithResponseStreamResponse, CancellationToken, IAsyncEnumerator<object?>> Read)
{
    public static Dictionary<string, PayloadReaders> All { get; } = new(StringComparer.Ordinal)
    {
        ["events"] = Of("a", (response, token) => Boxed(response.GetAsyncEnumerator(token))),
        ["chunks"] = Of("a", (response, token) => Boxed(response.ReadChunksAsync(token).GetAsyncEnumerator(CancellationToken.None))),
        ["owned chunks"] = Of("a", (response, token) => Boxed(response.ReadOwnedChunksAsync(token).GetAsyncEnumerator(CancellationToken.None))),
        ["text"] = Of("a", (response, token) => Boxed(response.ReadTextAsync(cancellationToken: token).GetAsyncEnumerator(CancellationToken.None))),
        ["lines"] = Of("a\n", (response, token) => Boxed(response.ReadLinesAsync(cancellationToken: token).GetAsyncEnumerator(CancellationToken.None))),
        ["JSON values"] = Of("{}\n", (response, token) => Boxed(response.ReadJsonValuesAsync(TestJson.Default.JsonElement, cancellationToken: token).GetAsyncEnumerator(CancellationToken.None))),
        ["SSE"] = Of("data: {}\n\n", (response, token) => Boxed(response.ReadServerSentEventsAsync(cancellationToken: token).GetAsyncEnumerator(CancellationToken.None))),
        ["SSE of JSON"] = Of("data: {}\n\n", (response, token) => Boxed(response.ReadServerSentEventsAsync(TestJson.Default.JsonElement, cancellationToken: token).GetAsyncEnumerator(CancellationToken.None))),
    };

    private static PayloadReaders Of(string payload, Func<InvokeWithResponseStreamResponse, CancellationToken, IAsyncEnumerator<object?>> read) =>
        new(Encoding.UTF8.GetBytes(payload), read);

    private static BoxedEnumerator<T> Boxed<T>(IAsyncEnumerator<T> elements) => new(elements);

    // Not an iterator: that would have a life of its own.
    private sealed class BoxedEnumerator<T>(IAsyncEnumerator<T> inner) : IAsyncEnumerator<object?>
    {
        public object? Current => inner.Current;

        public ValueTask<bool> MoveNextAsync() => inner.MoveNextAsync();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
