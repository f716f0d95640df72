using System.Text;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Payload;

/// <summary>What a reader gathers, it gathers in arrays of the pool and gives them back: an answer allocates what it gives away, and little more.</summary>
/// <remarks>All reads answer at once, so that one thread does everything, and answers one after another find the arrays of those before.</remarks>
public class PooledBufferTests
{
    private const int ValueBytes = 200_000;

    // Room for the objects of a call; an array of the pool for such a value has 256 KiB at least.
    private const int SlackBytes = 64 * 1024;

    private static readonly string Value = new('v', ValueBytes);
    private static readonly string Prelude = "{\"headers\":{\"a\":\"" + Value + "\"}}";

    public static TheoryData<string> Readers => ["lines", "JSON", "bytes", "string", "one JSON value", "prelude", "no prelude", "text"];

    [Theory, MemberData(nameof(Readers))]
    public void Read_AnswersOneAfterAnother_GiveTheirArraysBack(string reader)
    {
        var (payload, givenAway, read) = reader switch
        {
            "lines" => ($"{Value}\n{Value}\n", 2 * 2 * ValueBytes, response => Drain(response.ReadLinesAsync().GetAsyncEnumerator())),
            "JSON" => ($"\"{Value}\"\n\"{Value}\"", 2 * 2 * ValueBytes, response => Drain(response.ReadJsonValuesAsync(TestJson.Default.String).GetAsyncEnumerator())),
            "bytes" => (Value, ValueBytes, response => Result(response.ReadAsByteArrayAsync())),
            "string" => (Value, 2 * ValueBytes, response => Result(response.ReadAsStringAsync())),
            "one JSON value" => ($"\"{Value}\"", 2 * ValueBytes, response => Result(response.ReadFromJsonAsync(TestJson.Default.String))),
            // The string, and what the parser makes of it on the way.
            "prelude" => (Prelude + new string('\0', 8), 3 * ValueBytes, response => Result(response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always, MaxPreludeBytes = 2 * ValueBytes }))),
            // The body of it is a copy.
            "no prelude" => (Prelude, ValueBytes, response => Result(response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Auto, MaxPreludeBytes = 2 * ValueBytes }))),
            _ => (Value, 2 * ValueBytes, (Action<InvokeWithResponseStreamResponse>)(response => Drain(response.ReadTextAsync().GetAsyncEnumerator()))),
        };
        // In pieces, so that every value goes over borders.
        var bytes = Encoding.UTF8.GetBytes(payload);
        byte[] wire = [.. bytes.Chunk(30_000).SelectMany(piece => Wire.Chunk(piece)), .. Wire.End];
        for (var i = 0; i < 4; i++) Once();

        const int Answers = 20;
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Answers; i++) Once();
        var perAnswer = (GC.GetAllocatedBytesForCurrentThread() - before) / Answers;

        Assert.InRange(perAnswer, 1, givenAway + SlackBytes);

        void Once()
        {
            using var response = InvokeWithResponseStreamResponse.Create(new FragmentedStream(wire, () => int.MaxValue));
            read(response);
        }
    }

    [Fact]
    public async Task Dispose_BodyOfAnHttpIntegrationIsUnread_IsSaidToWhoReadsItThen()
    {
        byte[] wire = [.. Wire.Chunk("{}\0\0\0\0\0\0\0\0body"u8), .. Wire.End];
        using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        var http = await response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always }, TestContext.Current.CancellationToken);
        http.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => http.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken));
    }

    // Each piece ends amid a value, so that unread bytes are always carried over: what was read must make room for what comes.
    [Fact]
    public void Read_EveryValueGoesOverABorder_TheArrayStaysSmall()
    {
        const int Values = 40_000;
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("1234567 ", Values)));
        byte[] wire = [.. Wire.Chunk(bytes.AsSpan(0, 4)), .. bytes[4..].Chunk(8).SelectMany(piece => Wire.Chunk(piece)), .. Wire.End];
        Once();

        var before = GC.GetAllocatedBytesForCurrentThread();
        Once();

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 2 * SlackBytes);

        void Once()
        {
            using var response = InvokeWithResponseStreamResponse.Create(new FragmentedStream(wire, () => int.MaxValue));
            var values = response.ReadJsonValuesAsync(TestJson.Default.Int32).GetAsyncEnumerator();
            Drain(values);
        }
    }

    private static void Drain<T>(IAsyncEnumerator<T> values)
    {
        while (true)
        {
            var move = values.MoveNextAsync();
            if (!move.IsCompletedSuccessfully) throw new InvalidOperationException("A read waited, or failed.");
            if (!move.Result) break;
        }

        var disposal = values.DisposeAsync();
        if (!disposal.IsCompletedSuccessfully) throw new InvalidOperationException("The disposal waited.");
    }

    private static void Result<T>(Task<T> result)
    {
        if (!result.IsCompletedSuccessfully) throw new InvalidOperationException($"A read waited, or failed: {result.Exception}");
        (result.Result as IDisposable)?.Dispose();
    }
}
