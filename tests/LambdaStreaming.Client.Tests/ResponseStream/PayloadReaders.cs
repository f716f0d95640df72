using System.Text;
using LambdaStreaming.Tests.Payload;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>An enumerating reader and a payload from which it reads at least one element per chunk.</summary>
internal sealed record PayloadReaders(
    byte[] Payload,
    Func<InvokeWithResponseStreamResponse, CancellationToken, IAsyncEnumerator<object?>> Read)
{
    public static Dictionary<string, PayloadReaders> All { get; } = new(StringComparer.Ordinal)
    {
        ["events"] = Create("a", (response, token) => Boxed(response, token)),
        ["chunks"] = Create("a", (response, token) => Boxed(response.ReadChunksAsync(token))),
        ["owned chunks"] = Create("a", (response, token) => Boxed(response.ReadOwnedChunksAsync(token))),
        ["text"] = Create("a", (response, token) => Boxed(response.ReadTextAsync(cancellationToken: token))),
        ["lines"] = Create("a\n", (response, token) => Boxed(response.ReadLinesAsync(cancellationToken: token))),
        ["JSON values"] = Create("{}\n", (response, token) => Boxed(
            response.ReadJsonValuesAsync(TestJson.Default.JsonElement, cancellationToken: token))),
        ["SSE"] = Create(
            "data: {}\n\n",
            (response, token) => Boxed(response.ReadServerSentEventsAsync(cancellationToken: token))),
        ["SSE of JSON"] = Create("data: {}\n\n", (response, token) => Boxed(
            response.ReadServerSentEventsAsync(TestJson.Default.JsonElement, cancellationToken: token))),
    };

    private static PayloadReaders Create(
        string payload,
        Func<InvokeWithResponseStreamResponse, CancellationToken, IAsyncEnumerator<object?>> read) =>
        new(Encoding.UTF8.GetBytes(payload), read);

    private static BoxedEnumerator<T> Boxed<T>(
        IAsyncEnumerable<T> elements,
        CancellationToken cancellationToken = default) =>
        new(elements.GetAsyncEnumerator(cancellationToken));

    // Not an iterator, which would add its own disposal behavior.
    private sealed class BoxedEnumerator<T>(IAsyncEnumerator<T> inner) : IAsyncEnumerator<object?>
    {
        public object? Current => inner.Current;

        public ValueTask<bool> MoveNextAsync() => inner.MoveNextAsync();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
