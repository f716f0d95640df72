using System.Text;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Use of pooled arrays: a reader allocates little beyond the elements that it returns.</summary>
/// <remarks>
/// All reads complete synchronously, so that one thread does all the work and each response can rent the arrays that
/// the previous one returned.
/// </remarks>
public class PooledBufferTests
{
    private const int ValueBytes = 200_000;

    // Allowance for the objects of a call. A pooled array for such a value has at least 256 KiB.
    private const int SlackBytes = 64 * 1024;

    private static readonly string Value = new('v', ValueBytes);
    private static readonly string PreludeJson = "{\"headers\":{\"a\":\"" + Value + "\"}}";

    public static TheoryData<string> Readers =>
        ["lines", "JSON", "bytes", "string", "one JSON value", "prelude", "no prelude", "text"];

    [Theory, MemberData(nameof(Readers))]
    public void Read_ConsecutiveResponses_ReturnTheirArraysToThePool(string reader)
    {
        var (payload, returnedBytes, read) = reader switch
        {
            "lines" => ($"{Value}\n{Value}\n", 2 * 2 * ValueBytes, response => Drain(
                response.ReadLinesAsync().GetAsyncEnumerator())),
            "JSON" => ($"\"{Value}\"\n\"{Value}\"", 2 * 2 * ValueBytes, response => Drain(
                response.ReadJsonValuesAsync(TestJson.Default.String).GetAsyncEnumerator())),
            "bytes" => (Value, ValueBytes, response => AssertCompleted(response.ReadAsByteArrayAsync())),
            "string" => (Value, 2 * ValueBytes, response => AssertCompleted(response.ReadAsStringAsync())),
            "one JSON value" => ($"\"{Value}\"", 2 * ValueBytes, response => AssertCompleted(
                response.ReadFromJsonAsync(TestJson.Default.String))),
            // Allows for the string and the intermediate objects of the parser.
            "prelude" => (PreludeJson + new string('\0', 8), 3 * ValueBytes, response => AssertCompleted(
                response.ReadHttpIntegrationResponseAsync(CreateOptions(HttpPreludeDetection.Always)))),
            // Allows for the body, which is a copy of the bytes that could have been a prelude.
            "no prelude" => (PreludeJson, ValueBytes, response => AssertCompleted(
                response.ReadHttpIntegrationResponseAsync(CreateOptions(HttpPreludeDetection.Auto)))),
            _ => (Value, 2 * ValueBytes, (Action<InvokeWithResponseStreamResponse>)(
                response => Drain(response.ReadTextAsync().GetAsyncEnumerator()))),
        };
        // Several chunks, so that every value crosses a chunk boundary.
        var bytes = Encoding.UTF8.GetBytes(payload);
        byte[] wire = [.. bytes.Chunk(30_000).SelectMany(chunk => Wire.Chunk(chunk)), .. Wire.End];
        for (var i = 0; i < 4; i++) ReadOnce();

        Assert.InRange(Allocation.MinOf(20, ReadOnce), 1, returnedBytes + SlackBytes);

        void ReadOnce()
        {
            using var response = InvokeWithResponseStreamResponse.Create(
                new FragmentedStream(wire, () => int.MaxValue));
            read(response);
        }
    }

    [Fact]
    public async Task ReadAsStringAsync_HttpIntegrationResponseIsDisposed_ThrowsObjectDisposedException()
    {
        byte[] wire = [.. Wire.Chunk("{}\0\0\0\0\0\0\0\0body"u8), .. Wire.End];
        using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        var http = await response.ReadHttpIntegrationResponseAsync(
            new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always },
            TestContext.Current.CancellationToken);
        http.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(
            () => http.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken));
    }

    // Each chunk ends inside a value, so that unread bytes always remain. The array must reuse the space of read bytes.
    [Fact]
    public void ReadJsonValuesAsync_EveryValueCrossesAChunkBoundary_ArrayStaysSmall()
    {
        const int Values = 40_000;
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("1234567 ", Values)));
        byte[] wire =
        [
            .. Wire.Chunk(bytes.AsSpan(0, 4)), .. bytes[4..].Chunk(8).SelectMany(chunk => Wire.Chunk(chunk)),
            .. Wire.End,
        ];
        ReadOnce();

        Assert.InRange(Allocation.MinOf(5, ReadOnce), 1, 2 * SlackBytes);

        void ReadOnce()
        {
            using var response = InvokeWithResponseStreamResponse.Create(
                new FragmentedStream(wire, () => int.MaxValue));
            var values = response.ReadJsonValuesAsync(TestJson.Default.Int32).GetAsyncEnumerator();
            Drain(values);
        }
    }

    private static PayloadReadOptions CreateOptions(HttpPreludeDetection detection) =>
        new() { HttpPrelude = detection, MaxPreludeBytes = 2 * ValueBytes };

    private static void Drain<T>(IAsyncEnumerator<T> values)
    {
        while (true)
        {
            var move = values.MoveNextAsync();
            if (!move.IsCompletedSuccessfully)
                throw new InvalidOperationException("A read did not complete synchronously, or failed.");
            if (!move.Result) break;
        }

        var disposal = values.DisposeAsync();
        if (!disposal.IsCompletedSuccessfully)
            throw new InvalidOperationException("DisposeAsync did not complete synchronously.");
    }

    private static void AssertCompleted<T>(Task<T> result)
    {
        if (!result.IsCompletedSuccessfully)
        {
            throw new InvalidOperationException(
                $"The read did not complete synchronously, or failed: {result.Exception}");
        }

        (result.Result as IDisposable)?.Dispose();
    }
}
