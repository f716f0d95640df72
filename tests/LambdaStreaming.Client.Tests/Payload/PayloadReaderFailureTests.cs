using System.IO.Pipelines;
using System.Text;

namespace LambdaStreaming.Tests.Payload;

/// <summary>A failure surfaces from every reader as from the events, after what came before it was delivered.</summary>
public class PayloadReaderFailureTests
{
    private static readonly Dictionary<string, (string Payload, string Received, Func<InvokeWithResponseStreamResponse, Task<string>> ReadAsync)> Readers = new(StringComparer.Ordinal)
    {
        ["chunks"] = ("abc", "<abc>", response => Fragmented.OutcomeAsync(response.ReadChunksAsync(), chunk => Encoding.UTF8.GetString(chunk.ToArray()))),
        ["owned chunks"] = ("abc", "<abc>", response => Fragmented.OutcomeAsync(response.ReadOwnedChunksAsync(), chunk => Encoding.UTF8.GetString(chunk.Span))),
        ["bytes"] = ("abc", "", response => Fragmented.OutcomeAsync(LengthAsync(response.ReadAsByteArrayAsync()))),
        ["string"] = ("abc", "", response => Fragmented.OutcomeAsync(response.ReadAsStringAsync())),
        ["one JSON value"] = ("1 2", "", response => Fragmented.OutcomeAsync(ShowAsync(response.ReadFromJsonAsync(TestJson.Default.Int32)))),
        ["text"] = ("abc\u00e9", "<abcé>", response => Fragmented.OutcomeAsync(response.ReadTextAsync(), text => text)),
        ["lines"] = ("a\nb\nc", "<a><b>", response => Fragmented.OutcomeAsync(response.ReadLinesAsync(), line => line)),
        ["JSON"] = ("1 2 3", "<1><2>", response => Fragmented.OutcomeAsync(response.ReadJsonValuesAsync(TestJson.Default.Int32), value => $"{value}")),
        ["JSON array"] = ("[1,2,3", "<1><2>", response => Fragmented.OutcomeAsync(response.ReadJsonValuesAsync(TestJson.Default.Int32), value => $"{value}")),
        ["events"] = ("data: 1\n\ndata: 2\n\ndata: 3", "<1><2>", response => Fragmented.OutcomeAsync(response.ReadServerSentEventsAsync(), item => item.Data)),
        ["events of JSON"] = ("data: 1\n\ndata: 2\n\ndata: 3", "<1><2>", response => Fragmented.OutcomeAsync(response.ReadServerSentEventsAsync(TestJson.Default.Int32), item => $"{item.Data}")),
        ["stream"] = ("abc", "<abc>", response => Fragmented.OutcomeAsync(StreamAsync(response.AsStream()), text => text)),
        ["copy to a stream"] = ("abc", "<abc>", response => Fragmented.OutcomeAsync(CopyToStreamAsync(response), text => text)),
        ["copy to a pipe"] = ("abc", "<abc>", response => Fragmented.OutcomeAsync(CopyToPipeAsync(response), text => text)),
        ["HTTP prelude"] = ("{\"statusCode\":200", "", response => Fragmented.OutcomeAsync(BodyAsync(response))),
        ["HTTP body"] = ("{}\0\0\0\0\0\0\0\0a\nb", "<a>", response => Fragmented.OutcomeAsync(BodyLinesAsync(response), line => line)),
    };

    public static IEnumerable<TheoryDataRow<string>> Names => Readers.Keys.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Names))]
    public async Task Read_FunctionFails_DeliversThenThrows(string reader)
    {
        var (payload, delivered, readAsync) = Readers[reader];

        foreach (var chunks in Fragmented.EveryWay(Encoding.UTF8.GetBytes(payload)))
        {
            await using var response = Fragmented.Response(chunks, new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = "boom" });
            Assert.Equal(delivered + "!function error Unhandled", Joined(await readAsync(response), delivered));
            Assert.Equal("boom", response.InvokeComplete!.ErrorDetails);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_FunctionFailsAndEventsDoNotThrow_ThrowsAllTheSame(string reader)
    {
        var (payload, delivered, readAsync) = Readers[reader];
        await using var response = Fragmented.Response(payload, new InvokeComplete { ErrorCode = "Unhandled" }, metadata: new ResponseStreamMetadata { ThrowOnFunctionError = false });

        Assert.Equal(delivered + "!function error Unhandled", Joined(await readAsync(response), delivered));
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_WireEndsBeforeInvokeComplete_DeliversThenThrows(string reader)
    {
        var (payload, delivered, readAsync) = Readers[reader];
        var wire = Wire.Create(Encoding.UTF8.GetBytes(payload));

        for (var cut = 1; cut < 20; cut++)
        {
            await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire[..^cut]));
            Assert.Equal(delivered + "!truncated", Joined(await readAsync(response), delivered));
        }
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_ScriptFails_ThrowsExactlyThat(string reader)
    {
        var (payload, delivered, readAsync) = Readers[reader];
        await using var response = Fragmented.Response(payload, failure: new TimeZoneNotFoundException("that"));

        Assert.Equal(delivered + "!TimeZoneNotFoundException: that", Joined(await readAsync(response), delivered));
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_ReadBefore_Throws(string reader)
    {
        var (payload, _, readAsync) = Readers[reader];
        await using var response = Fragmented.Response(payload);
        await response.ReadAsByteArrayAsync();

        var outcome = await Fragmented.OutcomeAsync(ReadAgainAsync());
        Assert.Contains("!InvalidOperationException: This response was enumerated before.", outcome, StringComparison.Ordinal);

        async Task<string> ReadAgainAsync() => await readAsync(response);
    }

    // Some elements' borders mean nothing.
    private static string Joined(string outcome, string delivered) => delivered.StartsWith("<abc", StringComparison.Ordinal) ? outcome.Replace("><", "", StringComparison.Ordinal) : outcome;

    private static async Task<string> LengthAsync(Task<byte[]> bytes) => $"{(await bytes).Length}";

    private static async Task<string> ShowAsync(Task<int> value) => $"{await value}";

    private static async Task<string> BodyAsync(InvokeWithResponseStreamResponse response) => await (await response.ReadHttpIntegrationResponseAsync()).ReadAsStringAsync();

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
}

/// <summary>Tells only what was flushed.</summary>
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
