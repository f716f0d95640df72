using System.IO.Pipelines;
using System.Text;
using LambdaStreaming.Tests.ResponseStream;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Failures of a response: every reader first delivers the elements before the failure, then throws.</summary>
public class PayloadReaderFailureTests
{
    private static readonly Dictionary<string, Reader> Readers = new(StringComparer.Ordinal)
    {
        ["chunks"] = new("abc", "<abc>", response => Fragmented.OutcomeAsync(
            response.ReadChunksAsync(),
            chunk => Encoding.UTF8.GetString(chunk.ToArray()))),
        ["owned chunks"] = new("abc", "<abc>", response => Fragmented.OutcomeAsync(
            response.ReadOwnedChunksAsync(),
            chunk => Encoding.UTF8.GetString(chunk.Span))),
        ["bytes"] = new("abc", "", response => Fragmented.OutcomeAsync(LengthAsync(response.ReadAsByteArrayAsync()))),
        ["string"] = new("abc", "", response => Fragmented.OutcomeAsync(response.ReadAsStringAsync())),
        ["one JSON value"] = new("1 2", "", response => Fragmented.OutcomeAsync(
            ShowAsync(response.ReadFromJsonAsync(TestJson.Default.Int32)))),
        ["text"] = new("abc\u00e9", "<abcé>", response => Fragmented.OutcomeAsync(
            response.ReadTextAsync(),
            text => text)),
        ["lines"] = new("a\nb\nc", "<a><b>", response => Fragmented.OutcomeAsync(
            response.ReadLinesAsync(),
            line => line)),
        ["JSON"] = new("1 2 3", "<1><2>", response => Fragmented.OutcomeAsync(
            response.ReadJsonValuesAsync(TestJson.Default.Int32),
            value => $"{value}")),
        ["JSON array"] = new("[1,2,3", "<1><2>", response => Fragmented.OutcomeAsync(
            response.ReadJsonValuesAsync(TestJson.Default.Int32),
            value => $"{value}")),
        ["events"] = new("data: 1\n\ndata: 2\n\ndata: 3", "<1><2>", response => Fragmented.OutcomeAsync(
            response.ReadServerSentEventsAsync(),
            item => item.Data)),
        ["events of JSON"] = new("data: 1\n\ndata: 2\n\ndata: 3", "<1><2>", response => Fragmented.OutcomeAsync(
            response.ReadServerSentEventsAsync(TestJson.Default.Int32),
            item => $"{item.Data}")),
        ["stream"] = new("abc", "<abc>", response => Fragmented.OutcomeAsync(
            StreamAsync(response.AsStream()),
            text => text)),
        ["copy to a stream"] = new("abc", "<abc>", response => Fragmented.OutcomeAsync(
            CopyToStreamAsync(response),
            text => text)),
        ["copy to a pipe"] = new("abc", "<abc>", response => Fragmented.OutcomeAsync(
            CopyToPipeAsync(response),
            text => text)),
        ["HTTP prelude"] = new("{\"statusCode\":200", "", response => Fragmented.OutcomeAsync(BodyAsync(response))),
        ["HTTP body"] = new("{}\0\0\0\0\0\0\0\0a\nb", "<a>", response => Fragmented.OutcomeAsync(
            BodyLinesAsync(response),
            line => line)),
    };

    public static IEnumerable<TheoryDataRow<string>> Names =>
        Readers.Keys.Select(name => new TheoryDataRow<string>(name));

    public static IEnumerable<TheoryDataRow<string>> EnumeratingReaders =>
        PayloadReaders.All.Keys.Select(name => new TheoryDataRow<string>(name));

    // With a recursion for each read, the stack trace would have a line for each of them. Their state would also remain
    // in memory until the element is complete.
    [Theory, MemberData(nameof(EnumeratingReaders))]
    public async Task Read_ElementIsTruncatedAfterManyReads_StackTraceIsShort(string reader)
    {
        byte[] wire = [.. Wire.Chunk("\""u8), .. Wire.Repeat("a"u8.ToArray(), 2_000)[..^Wire.End.Length]];
        var stream = new FragmentedStream(wire, () => Wire.Chunk("a"u8).Length) { Asynchronous = true };
        await using var response = InvokeWithResponseStreamResponse.Create(stream);
        await using var elements = PayloadReaders.All[reader].Read(response, TestContext.Current.CancellationToken);

        var exception = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(async () =>
        {
            while (await elements.MoveNextAsync())
            {
            }
        });

        Assert.InRange(exception.StackTrace!.Split('\n').Length, 1, 100);
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_FunctionFails_DeliversThenThrows(string reader)
    {
        var (payload, delivered, readAsync) = Readers[reader];

        foreach (var chunks in Fragmented.SplitEveryWay(Encoding.UTF8.GetBytes(payload)))
        {
            var complete = new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = "boom" };
            await using var response = Fragmented.Response(chunks, complete);
            Assert.Equal(delivered + "!function error Unhandled", Join(await readAsync(response), delivered));
            Assert.Equal("boom", response.InvokeComplete!.ErrorDetails);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_FunctionFailsAndThrowOnFunctionErrorIsFalse_Throws(string reader)
    {
        var (payload, delivered, readAsync) = Readers[reader];
        var complete = new InvokeComplete { ErrorCode = "Unhandled" };
        var metadata = new ResponseStreamMetadata { ThrowOnFunctionError = false };
        await using var response = Fragmented.Response(payload, complete, metadata: metadata);

        Assert.Equal(delivered + "!function error Unhandled", Join(await readAsync(response), delivered));
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_StreamEndsBeforeInvokeComplete_DeliversThenThrows(string reader)
    {
        var (payload, delivered, readAsync) = Readers[reader];
        var wire = Wire.Create(Encoding.UTF8.GetBytes(payload));

        for (var missing = 1; missing < 20; missing++)
        {
            await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire[..^missing]));
            Assert.Equal(delivered + "!truncated", Join(await readAsync(response), delivered));
        }
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_ChunkSourceFails_ThrowsThatException(string reader)
    {
        var (payload, delivered, readAsync) = Readers[reader];
        await using var response = Fragmented.Response(payload, failure: new TimeZoneNotFoundException("that"));

        Assert.Equal(delivered + "!TimeZoneNotFoundException: that", Join(await readAsync(response), delivered));
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_ResponseWasAlreadyRead_Throws(string reader)
    {
        var (payload, _, readAsync) = Readers[reader];
        await using var response = Fragmented.Response(payload);
        await response.ReadAsByteArrayAsync();

        var outcome = await Fragmented.OutcomeAsync(ReadAgainAsync());
        Assert.Contains("!InvalidOperationException: ", outcome, StringComparison.Ordinal);

        async Task<string> ReadAgainAsync() => await readAsync(response);
    }

    // Joins the parts of text and of bytes, because the boundaries between these parts have no meaning.
    private static string Join(string outcome, string delivered) =>
        delivered.StartsWith("<abc", StringComparison.Ordinal)
            ? outcome.Replace("><", "", StringComparison.Ordinal)
            : outcome;

    private static async Task<string> LengthAsync(Task<byte[]> bytes) => $"{(await bytes).Length}";

    private static async Task<string> ShowAsync(Task<int> value) => $"{await value}";

    private static async Task<string> BodyAsync(InvokeWithResponseStreamResponse response) =>
        await (await response.ReadHttpIntegrationResponseAsync()).ReadAsStringAsync();

    private static async IAsyncEnumerable<string> BodyLinesAsync(InvokeWithResponseStreamResponse response)
    {
        var http = await response.ReadHttpIntegrationResponseAsync();
        await foreach (var line in http.ReadLinesAsync()) yield return line;
    }

    private static async IAsyncEnumerable<string> StreamAsync(Stream stream)
    {
        await using var _ = stream;
        var buffer = new byte[1];
        while (await stream.ReadAsync(buffer) > 0) yield return Encoding.UTF8.GetString(buffer);
    }

    private static async IAsyncEnumerable<string> CopyToStreamAsync(InvokeWithResponseStreamResponse response)
    {
        using var destination = new FlushedStream();
        var copy = response.CopyToAsync(destination);
        await ((Task)copy).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (destination.Flushed.Length > 0) yield return destination.Flushed;
        await copy;
    }

    private static async IAsyncEnumerable<string> CopyToPipeAsync(InvokeWithResponseStreamResponse response)
    {
        var pipe = new Pipe();
        var copy = response.CopyToAsync(pipe.Writer);
        await copy.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (pipe.Reader.TryRead(out var read)) yield return Encoding.UTF8.GetString(read.Buffer);
        await copy;
    }

    /// <param name="Payload">The payload of the response.</param>
    /// <param name="Delivered">The elements that are delivered before the failure.</param>
    /// <param name="ReadAsync">Reads the response and describes the outcome.</param>
    private sealed record Reader(
        string Payload,
        string Delivered,
        Func<InvokeWithResponseStreamResponse, Task<string>> ReadAsync);
}

/// <summary>A destination that reports only flushed text.</summary>
internal sealed class FlushedStream : MemoryStream
{
    public string Flushed { get; private set; } = "";

    public int Flushes { get; private set; }

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        Flushes++;
        Flushed = Encoding.UTF8.GetString(ToArray());
        return Task.CompletedTask;
    }
}
