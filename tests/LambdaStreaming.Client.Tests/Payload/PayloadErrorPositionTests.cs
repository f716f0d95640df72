using System.Text;

namespace LambdaStreaming.Tests.Payload;

/// <summary>The position of a format error, and the limit that a payload exceeds.</summary>
public class PayloadErrorPositionTests
{
    private static readonly ResponseStreamMetadata Metadata = new() { FunctionName = "chat", RequestId = "r-1" };

    [Theory]
    [InlineData("1 2", JsonSequenceFormat.Array, 0, 0)]
    [InlineData("[1 2]", JsonSequenceFormat.Array, 3, 1)]
    [InlineData("[1, 2", JsonSequenceFormat.Array, 5, 2)]
    [InlineData("[1] [2]", JsonSequenceFormat.Auto, 4, 1)]
    [InlineData("1 2", JsonSequenceFormat.Lines, 2, 1)]
    [InlineData("1 x", JsonSequenceFormat.Concatenated, 2, 1)]
    public async Task ReadJsonValuesAsync_PayloadIsMalformed_ReportsThePosition(
        string payload,
        JsonSequenceFormat format,
        long offset,
        long index)
    {
        var options = new PayloadReadOptions { JsonFormat = format };

        var exception = await FailAsync<PayloadFormatException>(
            payload,
            response => LimitTests.ToListAsync(response.ReadJsonValuesAsync(TestJson.Default.Int32, options)));

        Assert.Equal((offset, index), (exception.ByteOffset, exception.ValueIndex));
        Assert.Equal(("chat", "r-1"), (exception.FunctionName, exception.RequestId));
        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task ReadFromJsonAsync_PayloadIsNotJson_ReportsThePosition()
    {
        var exception = await FailAsync<PayloadFormatException>(
            "{\n\"N\":x}",
            response => response.ReadFromJsonAsync(TestJson.Default.Token));

        Assert.Equal((6, null), (exception.ByteOffset, exception.ValueIndex));
    }

    [Fact]
    public async Task ReadServerSentEventsAsync_DataIsNotJson_ReportsTheEvent()
    {
        var exception = await FailAsync<PayloadFormatException>(
            "data: 1\n\nevent: e\ndata: x\n\n",
            response => LimitTests.ToListAsync(response.ReadServerSentEventsAsync(TestJson.Default.Int32)));

        Assert.Equal((null, 1L), (exception.ByteOffset, exception.ValueIndex));
        Assert.Equal(("e", "x"), (exception.EventType, exception.DataExcerpt));
    }

    // System.Text.Json reports a missing type discriminator with a NotSupportedException.
    [Fact]
    public async Task ReadJsonValuesAsync_TypeDiscriminatorIsMissing_ReportsTheStartOfTheValue()
    {
        await using var response = Fragmented.Response("{\"$type\":\"delta\"}\n{\"Text\":\"x\"}\n");
        await using var values = response.ReadJsonValuesAsync(TestJson.Default.Part).GetAsyncEnumerator();
        Assert.True(await values.MoveNextAsync());

        var exception = await Assert.ThrowsAsync<PayloadFormatException>(async () => await values.MoveNextAsync());

        Assert.Equal((18, 1L), (exception.ByteOffset, exception.ValueIndex));
        Assert.IsType<NotSupportedException>(exception.InnerException);
    }

    [Fact]
    public async Task ReadFromJsonAsync_TypeDiscriminatorIsMissing_ReportsTheStartOfTheValue()
    {
        var exception = await FailAsync<PayloadFormatException>(
            [0xEF, 0xBB, 0xBF, .. "{\"Text\":\"x\"}"u8],
            response => response.ReadFromJsonAsync(TestJson.Default.Part));

        Assert.Equal((3, null), (exception.ByteOffset, exception.ValueIndex));
        Assert.IsType<NotSupportedException>(exception.InnerException);
    }

    [Fact]
    public async Task ReadServerSentEventsAsync_TypeDiscriminatorIsMissing_ReportsTheEvent()
    {
        var exception = await FailAsync<PayloadFormatException>(
            "data: {\"$type\":\"delta\"}\n\nevent: e\ndata: {\"Text\":\"x\"}\n\n",
            response => LimitTests.ToListAsync(response.ReadServerSentEventsAsync(TestJson.Default.Part)));

        Assert.Equal((null, 1L), (exception.ByteOffset, exception.ValueIndex));
        Assert.Equal(("e", "{\"Text\":\"x\"}"), (exception.EventType, exception.DataExcerpt));
        Assert.IsType<NotSupportedException>(exception.InnerException);
    }

    [Fact]
    public async Task ReadJsonValuesAsync_TextIsNotUtf8_ReportsThePosition()
    {
        var exception = await FailAsync<PayloadFormatException>(
            [.. "1 \""u8, 0xFF, .. "\""u8],
            response => LimitTests.ToListAsync(response.ReadJsonValuesAsync(TestJson.Default.JsonElement)));

        Assert.Equal((3, 1L), (exception.ByteOffset, exception.ValueIndex));
    }

    [Fact]
    public async Task ReadTextAsync_BytesAreNotText_ReportsThePosition()
    {
        var options = new PayloadReadOptions { ThrowOnInvalidText = true };

        var exception = await FailAsync<PayloadFormatException>(
            [.. "ab"u8, 0xFF],
            response => LimitTests.ToListAsync(response.ReadTextAsync(options)));

        Assert.Equal((2, null), (exception.ByteOffset, exception.ValueIndex));
    }

    [Fact]
    public async Task ReadHttpIntegrationResponseAsync_PreludeIsMalformed_ReportsItsStart()
    {
        var options = new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always };

        var exception = await FailAsync<PayloadFormatException>(
            "{ab}\0\0\0\0\0\0\0\0",
            response => response.ReadHttpIntegrationResponseAsync(options));

        Assert.Equal((0, null), (exception.ByteOffset, exception.ValueIndex));
    }

    [Fact]
    public Task ReadAsStringAsync_PayloadExceedsLimit_NamesMaxPayloadBytes() => AssertLimitAsync(
        "abc",
        response => response.ReadAsStringAsync(new PayloadReadOptions { MaxPayloadBytes = 2 }),
        (nameof(PayloadReadOptions.MaxPayloadBytes), 2, 0));

    [Fact]
    public Task ReadJsonValuesAsync_ValueExceedsLimit_NamesMaxValueBytes() => AssertLimitAsync(
        "1 234 ",
        response => LimitTests.ToListAsync(response.ReadJsonValuesAsync(
            TestJson.Default.Int32,
            new PayloadReadOptions { MaxValueBytes = 2 })),
        (nameof(PayloadReadOptions.MaxValueBytes), 2, 2));

    [Fact]
    public Task ReadServerSentEventsAsync_EventExceedsLimit_NamesMaxEventBytes() => AssertLimitAsync(
        ":a\ndata: a\ndata: bc\n\n",
        response => LimitTests.ToListAsync(
            response.ReadServerSentEventsAsync(new PayloadReadOptions { MaxEventBytes = 14 })),
        (nameof(PayloadReadOptions.MaxEventBytes), 14, 0));

    [Fact]
    public Task ReadHttpIntegrationResponseAsync_PreludeExceedsLimit_NamesMaxPreludeBytes() => AssertLimitAsync(
        "{\"a\":1}\0\0\0\0\0\0\0\0",
        response => response.ReadHttpIntegrationResponseAsync(
            new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always, MaxPreludeBytes = 4 }),
        (nameof(PayloadReadOptions.MaxPreludeBytes), 4, 0));

    private static async Task AssertLimitAsync(
        string payload,
        Func<InvokeWithResponseStreamResponse, Task> readAsync,
        (string Limit, long LimitBytes, long ByteOffset) expected)
    {
        var exception = await FailAsync<PayloadLimitExceededException>(payload, readAsync);

        Assert.Equal(expected, (exception.Limit, exception.LimitBytes, exception.ByteOffset));
    }

    private static Task<T> FailAsync<T>(string payload, Func<InvokeWithResponseStreamResponse, Task> readAsync)
        where T : LambdaStreamingException =>
        FailAsync<T>(Encoding.UTF8.GetBytes(payload), readAsync);

    private static async Task<T> FailAsync<T>(byte[] payload, Func<InvokeWithResponseStreamResponse, Task> readAsync)
        where T : LambdaStreamingException
    {
        await using var response = Fragmented.Response([payload], metadata: Metadata);
        return await Assert.ThrowsAsync<T>(() => readAsync(response));
    }
}
