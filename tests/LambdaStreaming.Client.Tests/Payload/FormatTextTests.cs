using System.Text;

namespace LambdaStreaming.Tests.Payload;

/// <summary>What the exception says, word for word, when a payload is not what its reader reads.</summary>
public class FormatTextTests
{
    private static readonly ResponseStreamHead Head = new() { FunctionName = "chat", RequestId = "r-1" };

    [Theory]
    [InlineData("1 2", JsonSequenceFormat.Array, "An array was expected, but the answer doesn't begin with '[', at byte 0 of the payload, after 0 values.")]
    [InlineData("[1 2]", JsonSequenceFormat.Array, "Between two elements of the array a comma was expected, at byte 3 of the payload, after 1 values.")]
    [InlineData("[1, 2", JsonSequenceFormat.Array, "The array isn't closed: the answer ended, at byte 5 of the payload, after 2 values.")]
    [InlineData("[1] [2]", JsonSequenceFormat.Auto, "After the array's end nothing was expected. If each value is an array, set JsonFormat to Lines or Concatenated. More came, at byte 4 of the payload, after 1 values.")]
    [InlineData("1 2", JsonSequenceFormat.Lines, "After a value its line's end was expected, at byte 2 of the payload, after 1 values.")]
    [InlineData("1 x", JsonSequenceFormat.Concatenated, "Value 1 of the answer (counted from 0) is no JSON of the type Int32, at byte 2 of the payload, path $.")]
    public async Task ReadJsonAsync_PayloadIsNot_SaysWhere(string payload, JsonSequenceFormat format, string text) =>
        Assert.Equal($"{text} Function chat, request id r-1.", await TextOfAsync(response => LimitTests.ToListAsync(response.ReadJsonAsync(TestJson.Default.Int32, new PayloadReadOptions { JsonFormat = format })), payload));

    [Fact]
    public async Task ReadFromJsonAsync_PayloadIsNoJson_SaysWhere() =>
        Assert.Equal("The payload is no JSON of the type Token, at byte 6 of the payload, path $.N. Function chat, request id r-1.", await TextOfAsync(response => response.ReadFromJsonAsync(TestJson.Default.Token), "{\n\"N\":x}"));

    [Fact]
    public async Task ReadServerSentEventsAsync_DataIsNoJson_SaysWhichEvent() =>
        Assert.Equal("The data of value 1 (counted from 0), an event of type 'e', is no JSON of the type Int32, path $. DataExcerpt shows its beginning. Function chat, request id r-1.", await TextOfAsync(response => LimitTests.ToListAsync(response.ReadServerSentEventsAsync(TestJson.Default.Int32)), "data: 1\n\nevent: e\ndata: x\n\n"));

    [Fact]
    public async Task ReadJsonAsync_MemberIsNoUtf8_SaysWhere() =>
        Assert.Equal("Value 1 of the answer (counted from 0) holds bytes that are no UTF-8, at byte 3 of the payload. Function chat, request id r-1.", await TextOfAsync(response => LimitTests.ToListAsync(response.ReadJsonAsync(TestJson.Default.JsonElement)), [.. "1 \""u8, 0xFF, .. "\""u8]));

    [Fact]
    public async Task ReadTextAsync_BytesAreNoText_SaysWhere() =>
        Assert.Equal("The bytes at 2 of the payload are no utf-8 text. Function chat, request id r-1.", await TextOfAsync(response => LimitTests.ToListAsync(response.ReadTextAsync(new PayloadReadOptions { ThrowOnInvalidText = true })), [.. "ab"u8, 0xFF]));

    [Fact]
    public async Task ReadHttpIntegrationResponseAsync_NoPrelude_SaysWhatWasExpected() =>
        Assert.Equal(
            "The 4 bytes before the 8 NUL bytes are no prelude of the HTTP integration: an object with statusCode, headers, multiValueHeaders and cookies was expected. Function chat, request id r-1.",
            await TextOfAsync(response => response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always }), "{ab}\0\0\0\0\0\0\0\0"));

    [Fact]
    public async Task Read_LongerThanTheLimit_SaysWhichOptionToRaise()
    {
        Assert.Equal(
            "The payload that begins at byte 0 of the payload is longer than 2 bytes. If that is genuine, raise PayloadReadOptions.MaxPayloadBytes, or read it in parts. Function chat, request id r-1.",
            await TooLongAsync(response => response.ReadAsStringAsync(new PayloadReadOptions { MaxPayloadBytes = 2 }), "abc"));
        Assert.Equal(
            "Value 1 of the answer that begins at byte 2 of the payload is longer than 2 bytes. If that is genuine, raise PayloadReadOptions.MaxValueBytes. Function chat, request id r-1.",
            await TooLongAsync(response => LimitTests.ToListAsync(response.ReadJsonAsync(TestJson.Default.Int32, new PayloadReadOptions { MaxValueBytes = 2 })), "1 234 "));
        Assert.Equal(
            "An event that begins at byte 0 of the payload is longer than 14 bytes. If that is genuine, raise PayloadReadOptions.MaxEventBytes. Function chat, request id r-1.",
            await TooLongAsync(response => LimitTests.ToListAsync(response.ReadServerSentEventsAsync(new PayloadReadOptions { MaxEventBytes = 14 })), ":a\ndata: a\ndata: bc\n\n"));
        Assert.Equal(
            "The prelude of the HTTP integration that begins at byte 0 of the payload is longer than 4 bytes. If that is genuine, raise PayloadReadOptions.MaxPreludeBytes, or, if the answer has none, set HttpPrelude to Never. Function chat, request id r-1.",
            await TooLongAsync(response => response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always, MaxPreludeBytes = 4 }), "{\"a\":1}\0\0\0\0\0\0\0\0"));
    }

    private static Task<string> TextOfAsync(Func<InvokeWithResponseStreamResponse, Task> readAsync, string payload) => TextOfAsync(readAsync, Encoding.UTF8.GetBytes(payload));

    private static async Task<string> TextOfAsync(Func<InvokeWithResponseStreamResponse, Task> readAsync, byte[] payload)
    {
        await using var response = Cut.Answer([payload], head: Head);
        return (await Assert.ThrowsAsync<PayloadFormatException>(() => readAsync(response))).Message;
    }

    private static async Task<string> TooLongAsync(Func<InvokeWithResponseStreamResponse, Task> readAsync, string payload)
    {
        await using var response = Cut.Answer(payload, head: Head);
        return (await Assert.ThrowsAsync<PayloadLimitExceededException>(() => readAsync(response))).Message;
    }
}
