using System.Text;
using LambdaStreaming.Payload;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Limits on memory for elements that never end.</summary>
public class LimitTests
{
    private const long ManyBytes = 200L * 1024 * 1024;

    public static TheoryData<string> Endless =>
    [
        "lines", "JSON", "JSON string", "JSON number", "events", "an event", "prelude", "prelude's spaces",
        "white space before a prelude",
    ];

    [Fact]
    public async Task ReadLinesAsync_EachLineIsAtTheLimit_ReadsThem()
    {
        await using var response = Fragmented.Response("abc\ndef\nghi");
        var options = new PayloadReadOptions { MaxLineBytes = 3 };

        Assert.Equal(["abc", "def", "ghi"], await ToListAsync(response.ReadLinesAsync(options)));
    }

    // Servers send comments to keep a connection open, also in the middle of an event.
    [Fact]
    public async Task ReadServerSentEventsAsync_EventAndItsCommentExceedTheLimitTogether_ReadsTheEvent()
    {
        await using var response = Fragmented.Response("data: 01234\n: comment\ndata: 5\n\n");
        var options = new PayloadReadOptions { MaxEventBytes = 18 };

        Assert.Equal("01234\n5", Assert.Single(await ToListAsync(response.ReadServerSentEventsAsync(options))).Data);
    }

    [Theory, MemberData(nameof(Endless))]
    public async Task Read_ElementNeverEnds_ThrowsAtTheLimit(string reader)
    {
        var (begin, repeated, readAsync) = reader switch
        {
            "lines" => ("", "a", response => Fragmented.OutcomeAsync(response.ReadLinesAsync(), line => line)),
            "JSON" => ("{\"N\":[", "1,", response => Fragmented.OutcomeAsync(
                response.ReadJsonValuesAsync(TestJson.Default.Token),
                _ => "")),
            "JSON string" => ("\"", "a", response => Fragmented.OutcomeAsync(
                response.ReadJsonValuesAsync(TestJson.Default.String),
                _ => "")),
            "JSON number" => ("", "1", response => Fragmented.OutcomeAsync(
                response.ReadJsonValuesAsync(TestJson.Default.Int32),
                _ => "")),
            "events" => ("data: ", "a", response => Fragmented.OutcomeAsync(
                response.ReadServerSentEventsAsync(),
                item => item.Data)),
            "an event" => ("", "data: a\n", response => Fragmented.OutcomeAsync(
                response.ReadServerSentEventsAsync(TestJson.Default.Int32),
                _ => "")),
            "prelude" => ("{\"headers\":{\"a\":\"", "a", response => Fragmented.OutcomeAsync(BodyAsync(response))),
            "white space before a prelude" => ("", " ", response => Fragmented.OutcomeAsync(BodyAsync(response))),
            _ => ("{}", " ", (Func<InvokeWithResponseStreamResponse, Task<string>>)(
                response => Fragmented.OutcomeAsync(BodyAsync(response)))),
        };
        var source = new EndlessSource(
            Encoding.UTF8.GetBytes(begin),
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(repeated, 4096 / repeated.Length))),
            ManyBytes);
        var metadata = new ResponseStreamMetadata
        {
            ResponseStreamContentType = "application/vnd.awslambda.http-integration-response",
        };
        await using var response = InvokeWithResponseStreamResponse.Create(source.ReadAsync(), metadata: metadata);

        var outcome = await readAsync(response);

        var limit = reader switch
        {
            "lines" => "MaxLineBytes 1048576",
            "events" or "an event" => "MaxEventBytes 16777216",
            "prelude" or "prelude's spaces" or "white space before a prelude" => "MaxPreludeBytes 65536",
            _ => "MaxValueBytes 1048576",
        };
        Assert.Equal($"!{limit} at 0", outcome);

        // Line ends, which are one eighth of "data: a\n", do not count towards the limit.
        var bytes = long.Parse(limit.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(source.SentBytes, 0, (bytes * 8 / 7) + (256 * 1024));
    }

    [Theory, InlineData("\"aaaa\\\"aaaa\""), InlineData("[1, {\"a\": \"}\"}]"), InlineData("123456")]
    public void FindEnd_ValueArrivesByteByByte_EachByteIsSearchedOnce(string json)
    {
        // If bytes were searched again, a value of 1 MiB in chunks of one byte would take minutes.
        var value = Encoding.UTF8.GetBytes(json);
        var scanner = new JsonValueScanner(endsWithLine: false);

        for (var length = 1; length < value.Length; length++)
        {
            Assert.Equal(-1, scanner.FindEnd(value.AsSpan(0, length)));
            Assert.InRange(scanner.Searched, value[length - 1] == '\\' ? length - 1 : length, length);
        }
    }

    [Fact]
    public async Task ReadJsonValuesAsync_LongValueInManyChunks_YieldsIt()
    {
        var middle = Wire.Repeat("é"u8.ToArray(), 20_000)[..^Wire.End.Length];
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream([.. Wire.Chunk("\"a"u8), .. middle, .. Wire.Chunk("\""u8), .. Wire.End]));

        var values = await ToListAsync(response.ReadJsonValuesAsync(TestJson.Default.String));

        Assert.Equal(20_001, Assert.Single(values)!.Length);
    }

    [Theory, InlineData(4, true), InlineData(3, false)]
    public async Task ReadAsByteArrayAsync_PayloadOfFourBytes_IsReadUpToTheLimit(int limit, bool isRead)
    {
        foreach (var chunks in Fragmented.SplitEveryWay("abcd"u8.ToArray()))
        {
            var options = new PayloadReadOptions { MaxPayloadBytes = limit };
            await using var bytes = Fragmented.Response(chunks);
            await using var text = Fragmented.Response(chunks);

            var expected = isRead ? "<abcd>" : "!MaxPayloadBytes 3 at 0";
            Assert.Equal(expected, await Fragmented.OutcomeAsync(StringAsync(bytes.ReadAsByteArrayAsync(options))));
            Assert.Equal(expected, await Fragmented.OutcomeAsync(text.ReadAsStringAsync(options)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(int.MaxValue)]
    public async Task ReadHttpIntegrationResponseAsync_ObjectExceedsTheLimitWithoutPrelude_ThrowsForAnyFragmentSize(
        int size)
    {
        var text = $$"""{"a":"{{new string('a', 300)}}"} and no NUL""";
        await using var response = InvokeWithResponseStreamResponse.Create(
            text.Chunk(size).Select(fragment => new string(fragment)));

        await Assert.ThrowsAsync<PayloadLimitExceededException>(() => response.ReadHttpIntegrationResponseAsync(
            new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always, MaxPreludeBytes = 200 },
            TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ReadLinesAsync_LineExceedsTheLimit_ReportsTheLimit()
    {
        await using var response = Fragmented.Response(
            "a\nbcdef",
            metadata: new ResponseStreamMetadata { FunctionName = "chat", RequestId = "r-1" });

        var exception = await Assert.ThrowsAsync<PayloadLimitExceededException>(
            () => ToListAsync(response.ReadLinesAsync(new PayloadReadOptions { MaxLineBytes = 4 })));

        Assert.Equal(
            (nameof(PayloadReadOptions.MaxLineBytes), 4, 2),
            (exception.Limit, exception.LimitBytes, exception.ByteOffset));
        Assert.Equal(
            ("chat", "r-1", 1L),
            (exception.FunctionName, exception.RequestId, response.InvokeComplete is null ? 1L : 0));
        Assert.True(exception.FunctionMayHaveRun);
        Assert.False(exception.IsSafeToRetry);
    }

    [Fact]
    public async Task ReadJsonValuesAsync_ValueIsNotJson_MessageDoesNotContainThePayload()
    {
        await using var response = Fragmented.Response(
            "{\"N\":1}{\"N\":secret}",
            metadata: new ResponseStreamMetadata { FunctionName = "chat" });

        var exception = await Assert.ThrowsAsync<PayloadFormatException>(
            () => ToListAsync(response.ReadJsonValuesAsync(TestJson.Default.Token)));

        Assert.DoesNotContain("secret", exception.Message, StringComparison.Ordinal);
        Assert.Equal((12, 1L), (exception.ByteOffset, exception.ValueIndex));
        Assert.IsType<System.Text.Json.JsonException>(exception.InnerException);
    }

    [Fact]
    public async Task Read_OptionIsInvalid_ThrowsImmediately()
    {
        await using var response = Fragmented.Response("a");

        Assert.Throws<ArgumentException>(
            nameof(PayloadReadOptions.MaxLineBytes),
            () => response.ReadLinesAsync(new PayloadReadOptions { MaxLineBytes = 0 }));
        Assert.Throws<ArgumentException>(nameof(PayloadReadOptions.MaxValueBytes), () => response.ReadJsonValuesAsync(
            TestJson.Default.Int32,
            new PayloadReadOptions { MaxValueBytes = int.MaxValue }));
        Assert.Throws<ArgumentException>(
            nameof(PayloadReadOptions.MaxEventBytes),
            () => response.ReadServerSentEventsAsync(new PayloadReadOptions { MaxEventBytes = 0 }));
        Assert.Throws<ArgumentException>(
            nameof(PayloadReadOptions.MaxPreludeBytes),
            () => { _ = response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { MaxPreludeBytes = -1 }); });
        Assert.Throws<ArgumentException>(
            nameof(PayloadReadOptions.MaxPayloadBytes),
            () => { _ = response.ReadAsStringAsync(new PayloadReadOptions { MaxPayloadBytes = -1 }); });
        Assert.Throws<ArgumentException>(
            nameof(PayloadReadOptions.Encoding),
            () => response.ReadTextAsync(new PayloadReadOptions { Encoding = null! }));
        Assert.Throws<ArgumentException>(
            nameof(PayloadReadOptions.JsonFormat),
            () => response.ReadTextAsync(new PayloadReadOptions { JsonFormat = (JsonSequenceFormat)9 }));
        Assert.Throws<ArgumentException>(
            nameof(PayloadReadOptions.HttpPrelude),
            () => response.ReadTextAsync(new PayloadReadOptions { HttpPrelude = (HttpPreludeDetection)9 }));
        Assert.Equal("a", await response.ReadAsStringAsync());
    }

    internal static async Task<List<T>> ToListAsync<T>(IAsyncEnumerable<T> elements)
    {
        var list = new List<T>();
        await foreach (var element in elements) list.Add(element);
        return list;
    }

    private static async Task<string> BodyAsync(InvokeWithResponseStreamResponse response)
    {
        var options = new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always };
        return await (await response.ReadHttpIntegrationResponseAsync(options)).ReadAsStringAsync();
    }

    private static async Task<string> StringAsync(Task<byte[]> bytes) => Encoding.UTF8.GetString(await bytes);

    private sealed class EndlessSource(byte[] begin, byte[] repeated, long maxBytes)
    {
        public long SentBytes { get; private set; }

        public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync()
        {
            await Task.CompletedTask;
            yield return begin;
            while (SentBytes < maxBytes)
            {
                SentBytes += repeated.Length;
                yield return repeated;
            }
        }
    }
}
