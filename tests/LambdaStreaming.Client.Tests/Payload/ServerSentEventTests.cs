namespace LambdaStreaming.Tests.Payload;

/// <summary>Server-sent events with JSON data and with empty data, and limits on their size.</summary>
public class ServerSentEventTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("event: ping\ndata:\n\n")]
    [InlineData("id: 1\ndata: \n\n")]
    [InlineData("data\n\n")]
    [InlineData("data:\ndata:\n\n")]
    [InlineData("data:  \n\n")]
    public async Task ReadServerSentEventsAsync_JsonAndDataIsEmpty_SkipsTheEvent(string empty)
    {
        foreach (var chunks in Fragmented.SplitEveryWay(Bytes($"data: 1\n\n{empty}data: 2\n\n")))
        {
            await using var response = Fragmented.Response(chunks);

            var events = response.ReadServerSentEventsAsync(TestJson.Default.Int32);

            var outcome = await Fragmented.OutcomeAsync(events, item => $"{item.EventType} {item.Data}");
            Assert.Equal("<message 1><message 2>", outcome);
        }
    }

    // The id of a skipped event, such as the first one of an MCP stream, applies to the next event.
    [Theory]
    [InlineData("id: 7\nretry: 5000\ndata:\n\n")]
    [InlineData("id: 7\nretry: 5000\n\n")]
    [InlineData("id: 7\nretry: 5000\ndata: [DONE]\n\n")]
    public async Task ReadServerSentEventsAsync_EventIsSkipped_NextEventHasItsIdAndRetryTime(string skipped)
    {
        await using var response = Fragmented.Response($"{skipped}data: 1\n\ndata: 2\n\n");

        var events = await LimitTests.ToListAsync(response.ReadServerSentEventsAsync(TestJson.Default.Int32));

        Assert.Equal(
            [(1, "7", TimeSpan.FromSeconds(5)), (2, null, null)],
            events.Select(item => (item.Data, item.EventId, item.ReconnectionInterval)));
    }

    [Theory]
    [InlineData("event: ping\ndata:\n\n", "<ping >")]
    [InlineData("data: [DONE]\n\n", "<message [DONE]>")]
    public async Task ReadServerSentEventsAsync_Text_DeliversEveryEvent(string payload, string outcome)
    {
        await using var response = Fragmented.Response(payload);

        var events = response.ReadServerSentEventsAsync();

        Assert.Equal(outcome, await Fragmented.OutcomeAsync(events, item => $"{item.EventType} {item.Data}"));
    }

    [Theory]
    [InlineData("event: error\n", "error")]
    [InlineData("", "message")]
    public async Task ReadServerSentEventsAsync_DataIsNotJson_ExceptionHasTypeAndData(string type, string eventType)
    {
        var exception = await ReadInvalidAsync($"data: 1\n\n{type}data: rate limit\ndata: exceeded\n\n");

        Assert.Equal(eventType, exception.EventType);
        Assert.Equal("rate limit\nexceeded", exception.DataExcerpt);
        Assert.Equal(1, exception.ValueIndex);
    }

    [Fact]
    public async Task ReadServerSentEventsAsync_DataIsNotUtf8_ExceptionHasTypeAndData()
    {
        var exception = await ReadInvalidAsync([.. "event: e\ndata: \"a"u8, 0xFF, .. "\"\n\n"u8]);

        Assert.Equal("e", exception.EventType);
        Assert.Equal("\"a\uFFFD\"", exception.DataExcerpt);
    }

    [Theory]
    [InlineData("x", 200, 200)]
    [InlineData("x", 201, 200)]
    [InlineData("\u20AC", 100_000, 200)]
    [InlineData("\U0001F600", 101, 200)]
    public async Task ReadServerSentEventsAsync_DataIsNotJson_ExcerptHasAtMost200Characters(
        string character,
        int count,
        int length)
    {
        var data = string.Concat(Enumerable.Repeat(character, count));

        var exception = await ReadInvalidAsync($"data: {data}\n\n");

        Assert.Equal(data[..length], exception.DataExcerpt);
    }

    [Fact]
    public async Task ReadServerSentEventsAsync_ExcerptWouldSplitASurrogatePair_EndsBeforeIt()
    {
        var exception = await ReadInvalidAsync($"data: {new string('x', 199)}\U0001F600\n\n");

        Assert.Equal(new string('x', 199), exception.DataExcerpt);
    }

    [Fact]
    public async Task ReadServerSentEventsAsync_DataIsNotJson_MessageDoesNotContainIt()
    {
        var exception = await ReadInvalidAsync("event: e\ndata: secret\n\n");

        Assert.DoesNotContain("secret", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadServerSentEventsAsync_TypeContainsControlCharacters_MessageDoesNotContainThem()
    {
        var exception = await ReadInvalidAsync($"event: a\0b\u001b[2J{new string('x', 500_000)}\ndata: x\n\n");

        Assert.DoesNotContain(exception.Message, char.IsControl);
        Assert.InRange(exception.Message.Length, 1, 1000);
        Assert.StartsWith("a\0b\u001b[2J", exception.EventType, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadJsonValuesAsync_PropertyNameContainsControlCharacters_MessageDoesNotContainThem()
    {
        await using var response = Fragmented.Response(
            "{\"a\\u001b[2J\\n" + new string('x', 500_000) + "\":{\"N\":x}}");

        var exception = await Assert.ThrowsAsync<PayloadFormatException>(
            () => LimitTests.ToListAsync(response.ReadJsonValuesAsync(TestJson.Default.JsonElement)));

        Assert.DoesNotContain(exception.Message, char.IsControl);
        Assert.InRange(exception.Message.Length, 1, 1000);
    }

    // An event can exceed the limit of a line or JSON value (1 MiB), for example with an image in base64.
    [Theory, InlineData(false), InlineData(true)]
    public async Task ReadServerSentEventsAsync_EventOf15MiB_YieldsIt(bool isOneLine)
    {
        var line = "data: " + new string('A', isOneLine ? 15 * 1024 * 1024 : 64 * 1024) + "\n";
        var payload = Bytes(string.Concat(Enumerable.Repeat(line, isOneLine ? 1 : 240)) + "\n");
        await using var response = Fragmented.Response(payload.Chunk(60_000));

        var events = await LimitTests.ToListAsync(response.ReadServerSentEventsAsync(cancellationToken: Token));

        Assert.InRange(Assert.Single(events).Data.Length, 15 * 1024 * 1024, 16 * 1024 * 1024);
    }

    [Theory]
    [InlineData(": 3456789\ndata: 1\n\n", "<message 1>")]
    [InlineData("data: 12\n:45\ndata\n\n", "!MaxEventBytes 10 at 0")]
    [InlineData("data: 12\n:45\n\n", "<message 12>")]
    [InlineData(": 345678901\n\n", "!MaxEventBytes 10 at 0")]
    [InlineData("data: 2\r\n\r\n: 345678901", "<message 2>!MaxEventBytes 10 at 11")]
    [InlineData("data: 1\n:12345678901\n\n", "!MaxEventBytes 10 at 8")]
    [InlineData("data: 1\r\n:12345678901", "!MaxEventBytes 10 at 9")]
    public async Task ReadServerSentEventsAsync_Comment_HasItsOwnLimit(string payload, string outcome)
    {
        foreach (var chunks in Fragmented.SplitEveryWay(Bytes(payload)))
        {
            await using var response = Fragmented.Response(chunks);

            var events = response.ReadServerSentEventsAsync(new PayloadReadOptions { MaxEventBytes = 10 }, Token);

            Assert.Equal(outcome, await Fragmented.OutcomeAsync(events, item => $"{item.EventType} {item.Data}"));
        }
    }

    private static Task<PayloadFormatException> ReadInvalidAsync(string payload) => ReadInvalidAsync(Bytes(payload));

    private static async Task<PayloadFormatException> ReadInvalidAsync(byte[] payload)
    {
        await using var response = Fragmented.Response([payload]);

        var events = response.ReadServerSentEventsAsync(TestJson.Default.Int32, cancellationToken: Token);
        return await Assert.ThrowsAsync<PayloadFormatException>(() => LimitTests.ToListAsync(events));
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);
}
