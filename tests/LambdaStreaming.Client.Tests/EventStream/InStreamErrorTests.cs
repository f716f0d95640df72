using System.Net;
using System.Text;
using Amazon.Runtime;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>
/// Errors inside the event stream: exception and error messages, and InvokeComplete with an error code.
/// </summary>
public class InStreamErrorTests
{
    [Fact]
    public async Task Read_KnownExceptionMessage_HasItsTypeAsInnerExceptionAndIsNotSafeToRetry()
    {
        var message = Messages.Exception(
            "TooManyRequestsException",
            """{"message":"slow down","Reason":"CallerRateLimitExceeded"}""");

        var exception = await ReadErrorAsync<ResponseStreamErrorException>(message);

        Assert.Equal("TooManyRequestsException", exception.ErrorCode);
        Assert.Equal("slow down", exception.ServiceMessage);
        var inner = Assert.IsType<TooManyRequestsException>(exception.InnerException);
        Assert.Equal("CallerRateLimitExceeded", inner.Reason);
        Assert.Equal("slow down", inner.ServiceMessage);
        Assert.Equal(HttpStatusCode.TooManyRequests, inner.StatusCode);
        Assert.Equal(ErrorType.Sender, inner.ErrorType);
        Assert.True(inner.FunctionMayHaveRun);
        Assert.False(inner.IsSafeToRetry);
        Assert.False(exception.IsSafeToRetry);
        Assert.False(LambdaResilience.ShouldRetry(exception, LambdaRetryPolicy.AtLeastOnce));
    }

    [Fact]
    public async Task Read_ExceptionTypeHasANamespace_IsReducedToItsName()
    {
        var message = Messages.Exception("com.amazonaws.lambda#ServiceException", "{}");

        var exception = await ReadErrorAsync<ResponseStreamErrorException>(message);

        Assert.IsType<ServiceException>(exception.InnerException);
    }

    [Fact]
    public async Task Read_ExceptionNameOnlyInTheBody_IsUsed()
    {
        var message =
            Messages.Create([(":message-type", "exception")], """{"__type":"ServiceException","Message":"m"}"""u8);

        var exception = await ReadErrorAsync<ResponseStreamErrorException>(message);

        Assert.Equal("ServiceException", exception.ErrorCode);
        Assert.Contains("ServiceException", exception.Message, StringComparison.Ordinal);
        Assert.Equal("ServiceException", exception.Details.RedactedErrorCode);
    }

    [Fact]
    public async Task Read_ExceptionNameInHeaderAndBody_UsesTheHeader()
    {
        var message = Messages.Create(
            [(":message-type", "exception"), (":exception-type", "ServiceException"), (":error-code", "Other")],
            """{"__type":"TooManyRequestsException"}"""u8);

        var exception = await ReadErrorAsync<ResponseStreamErrorException>(message);

        Assert.Equal("ServiceException", exception.ErrorCode);
        Assert.DoesNotContain("TooManyRequestsException", exception.Message, StringComparison.Ordinal);
        Assert.Equal("ServiceException", exception.Details.RedactedErrorCode);
    }

    [Fact]
    public async Task Read_ErrorMessage_HasCodeAndMessageFromItsHeaders()
    {
        var message = Messages.Create(
            [(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "it broke")],
            []);

        var exception = await ReadErrorAsync<ResponseStreamErrorException>(message);

        Assert.Equal("InternalError", exception.ErrorCode);
        Assert.Equal("it broke", exception.ServiceMessage);
        Assert.IsType<InternalFailureException>(exception.InnerException);
        Assert.Equal((1, 6), (exception.ChunksReceived, exception.BytesReceived));
    }

    [Theory]
    [InlineData("")]
    [InlineData("text, not JSON")]
    [InlineData("{\"message\":")]
    [InlineData("[]")]
    [InlineData("{\"message\":\"\\ud800\",\"\\ud800\":\"\\udc00\"}")]
    [InlineData("{\"message\":\"m\",\"message\":7,\"Message\":null}")]
    public async Task Read_ExceptionBodyIsMalformed_KeepsItsName(string body)
    {
        var message = Messages.Exception("FutureException", body);

        var exception = await ReadErrorAsync<ResponseStreamErrorException>(message);

        Assert.Equal("FutureException", exception.ErrorCode);
    }

    [Fact]
    public async Task Read_ExceptionBodyIsDeeplyNested_KeepsItsMessage()
    {
        var body = $$"""{"Deep":{{new string('[', 10_000)}}{{new string(']', 10_000)}},"message":"m"}""";

        var message = Messages.Exception("FutureException", body);

        Assert.Equal("m", (await ReadErrorAsync<ResponseStreamErrorException>(message)).ServiceMessage);
    }

    [Fact]
    public async Task Read_ExceptionBodyExceeds64KiB_KeepsItsName()
    {
        var body = $$"""{"message":"{{new string('m', 64 * 1024)}}"}""";
        var message = Messages.Exception("ServiceException", body);

        Assert.Equal("ServiceException", (await ReadErrorAsync<ResponseStreamErrorException>(message)).ErrorCode);
    }

    [Fact]
    public async Task Read_ExceptionHasNoName_ThrowsResponseStreamErrorException()
    {
        var exception = await ReadErrorAsync<ResponseStreamErrorException>(
            Messages.Create([(":message-type", "exception")], "{}"u8));

        Assert.Equal(("", ""), (exception.ErrorCode, exception.ServiceMessage));
        Assert.Null(exception.InnerException);
    }

    [Theory]
    [InlineData("""{"ErrorCode":"Unhandled","ErrorDetails":"text"}""", "Unhandled", "text")]
    [InlineData("""{"ErrorCode":"Any.Thing at all","ErrorDetails":null}""", "Any.Thing at all", null)]
    [InlineData("""{"ErrorCode":"Unhandled","ErrorDetails":{"errorType":"T"}}""", "Unhandled", """{"errorType":"T"}""")]
    [InlineData("""{"ErrorCode":7}""", "7", null)]
    [InlineData("""{"ErrorCode":"A","ErrorCode":"B","Future":[{}]}""", "B", null)]
    [InlineData("""{"\ud800":1,"ErrorCode":"half \udc00","ErrorDetails":"\ud800\u0041"}""", "half \ufffd", "\ufffdA")]
    [InlineData("\ufeff{\"ErrorCode\":\"A\"}", "A", null)]
    public async Task Read_InvokeCompleteHasErrorCode_ThrowsFunctionErrorException(
        string json,
        string code,
        string? details)
    {
        var exception = await ReadErrorAsync<FunctionErrorException>(Messages.Complete(json));

        Assert.Equal(code, exception.ErrorCode);
        Assert.Equal(details, exception.ErrorDetails);
        Assert.Equal((1, 6), (exception.ChunksReceived, exception.BytesReceived));
        Assert.Equal(ErrorType.Receiver, exception.ErrorType);
    }

    [Fact]
    public async Task Read_InvokeCompleteIsDeeplyNestedAndLong_ThrowsFunctionErrorException()
    {
        var details = new string('d', 64 * 1024);
        var deep = new string('[', 10_000) + new string(']', 10_000);
        var json = $$"""{"Deep":{{deep}},"ErrorDetails":"{{details}}","ErrorCode":"Unhandled"}""";

        Assert.Equal(details, (await ReadErrorAsync<FunctionErrorException>(Messages.Complete(json))).ErrorDetails);
    }

    [Fact]
    public async Task Read_InvokeCompleteIsNotUtf8_ThrowsFunctionErrorException()
    {
        byte[] json = [.. "{\"ErrorCode\":\"a"u8, 0xFF, .. "\"}"u8];
        var message = Messages.Create([(":message-type", "event"), (":event-type", "InvokeComplete")], json);

        Assert.Equal("a\ufffd", (await ReadErrorAsync<FunctionErrorException>(message)).ErrorCode);
    }

    [Theory]
    [InlineData("text")]
    [InlineData("{\"ErrorCode\":\"A\"")]
    [InlineData("{\"ErrorCode\":\"A\"} x")]
    [InlineData("null x")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData(" ")]
    public async Task Read_InvokeCompleteIsNotAJsonObject_ThrowsResponseStreamCorruptException(string json)
    {
        var exception = await ReadErrorAsync<ResponseStreamCorruptException>(Messages.Complete(json));

        Assert.Equal(ResponseStreamCorruptionReason.MalformedEvent, exception.Reason);
    }

    private static async Task<T> ReadErrorAsync<T>(byte[] message)
        where T : LambdaStreamingException
    {
        byte[] body = [.. Messages.Chunk("output"), .. message];
        using var client = StubbedClient.Streaming(new FragmentedStream(body, () => 1000));
        using var response =
            await client.InvokeWithResponseStreamAsync(new("my-function"), TestContext.Current.CancellationToken);
        var text = new StringBuilder();

        var exception = await Assert.ThrowsAsync<T>(async () =>
        {
            await foreach (var chunk in response.ReadChunksAsync(TestContext.Current.CancellationToken))
            {
                text.Append(Encoding.UTF8.GetString(chunk.ToArray()));
            }
        });

        Assert.Equal("output", text.ToString());
        return exception;
    }
}
