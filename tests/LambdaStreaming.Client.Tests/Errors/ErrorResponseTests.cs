using System.Net;
using System.Text;
using LambdaStreaming.Errors;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tests.Errors;

public class ErrorResponseTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly InvokeWithResponseStreamRequest Request = new("my-function")
    {
        Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never },
    };

    [Theory]
    [InlineData("""{"__type":"aws#A:http://x","code":"B","Code":"C","message":"m","Message":"M"}""", "A", "m")]
    [InlineData("""{"Code":"C","code":"B","Message":"M","message":"m"}""", "C", "M")]
    [InlineData("""{"__type":"","code":"B"}""", "B", null)]
    [InlineData("""{"__type":7,"message":{"deep":[1]}}""", "7", """{"deep":[1]}""")]
    [InlineData("""{"__type":"First","__type":"Second","message":"1","message":"2"}""", "First", "1")]
    [InlineData("""{"message":"grüß \ud83d\ude80 \"q\" \\ \/ \n"}""", null, "grüß 🚀 \"q\" \\ / \n")]
    [InlineData("""{"message":"half \ud83d","__type":"A"}""", "A", "half \ufffd")]
    [InlineData("""{"\ud800":"x","__type":"A"}""", "A", null)]
    [InlineData("""{"\u006dessage":"escaped","__type":"A"}""", "A", "escaped")]
    [InlineData("\ufeff{\"__type\":\"A\"}", "A", null)]
    [InlineData("""{"__type":"A"} x""", null, null)]
    [InlineData("""{"__type":"A",""", null, null)]
    [InlineData("""["A"]""", null, null)]
    [InlineData("null", null, null)]
    [InlineData("\"text\"", null, null)]
    [InlineData("", null, null)]
    [InlineData("   ", null, null)]
    [InlineData("upstream request timeout\r\n", null, "upstream request timeout")]
    [InlineData("a\tb\r\nc", null, "a\tb\r\nc")]
    [InlineData("a\u000bb", null, null)]
    [InlineData("<html>", null, null)]
    [InlineData("\0\u0001", null, null)]
    public void FromBody_AnyText_ReturnsCodeAndMessageIfPresent(string body, string? code, string? message)
    {
        var response = ErrorResponse.FromBody(Encoding.UTF8.GetBytes(body));

        Assert.Equal(code, response.Code);
        Assert.Equal(message, response.Message);
    }

    [Fact]
    public void FromBody_InvalidUtf8InAValue_ReplacesItAndReadsTheRest()
    {
        byte[] body = [.. "{\"message\":\"a"u8, 0xFF, 0xC3, .. "b\",\"__type\":\"A\"}"u8];

        var response = ErrorResponse.FromBody(body);

        Assert.Equal("A", response.Code);
        Assert.Equal("a\ufffd\ufffdb", response.Message);
    }

    [Fact]
    public void FromBody_NotText_ReturnsNoCodeAndNoMessage()
    {
        var response = ErrorResponse.FromBody([0xFF, 0xFE, 0x00, 0x41]);

        Assert.Equal((null, null), (response.Code, response.Message));
    }

    [Fact]
    public void FromBody_DeeplyNestedJson_ReadsItAndKeepsTheField()
    {
        var deep = new string('[', 30_000) + new string(']', 30_000);

        var response = ErrorResponse.FromBody(Encoding.UTF8.GetBytes($$"""{"Deep":{{deep}},"message":"m"}"""));

        Assert.Equal("m", response.Message);
        Assert.Equal(deep, response.Fields["Deep"]);
    }

    [Theory, InlineData(1024, true), InlineData(1025, false)]
    public void FromBody_PlainText_IsTheMessageUpToTheLimit(int bytes, bool isMessage) =>
        Assert.Equal(
            isMessage, ErrorResponse.FromBody(Encoding.UTF8.GetBytes(new string('a', bytes))).Message is not null);

    [Fact]
    public async Task ReadAsync_HeaderAndBodyNameTheError_UsesTheHeader()
    {
        using var httpResponse = StubbedClient.CreateResponse(
            new MemoryStream("""{"__type":"OfTheBody","message":"m"}"""u8.ToArray()),
            HttpStatusCode.BadRequest,
            ("x-amzn-ErrorType", "OfTheHeader:http://x"));

        var response = await ErrorResponse.ReadAsync(httpResponse, Ct);

        Assert.Equal(("OfTheHeader", "m"), (response.Code, response.Message));
    }

    [Theory]
    [InlineData("x-amz-retry-after", "2147483647", 2147483647.0)]
    [InlineData("x-amz-retry-after", "2147483648", null)]
    [InlineData("Retry-After", "0", 0.0)]
    [InlineData("Retry-After", "Tue, 24 Nov 2026 10:00:00 GMT", 0.0)]
    [InlineData("Retry-After", "Tue, 24 Nov 2026 09:59:59 GMT", null)]
    [InlineData("Retry-After", "Tue, 24 Nov 2026 10:00:01 GMT", 1000.0)]
    public void GetRetryAfter_EachForm_ReturnsTheRemainingDelay(string name, string value, double? milliseconds)
    {
        using var response = StubbedClient.CreateResponse(Stream.Null, HttpStatusCode.TooManyRequests, (name, value));

        var now = new DateTimeOffset(2026, 11, 24, 10, 0, 0, TimeSpan.Zero);
        Assert.Equal(milliseconds, ErrorResponse.GetRetryAfter(response, now)?.TotalMilliseconds);
    }

    [Fact]
    public void GetRetryAfter_ResponseHasADate_IsRelativeToThatDate()
    {
        using var response = StubbedClient.CreateResponse(
            Stream.Null,
            HttpStatusCode.TooManyRequests,
            ("Date", "Tue, 24 Nov 2026 10:00:00 GMT"),
            ("Retry-After", "Tue, 24 Nov 2026 10:00:02 GMT"));

        var now = new DateTimeOffset(2026, 11, 24, 13, 0, 0, TimeSpan.Zero);
        Assert.Equal(TimeSpan.FromSeconds(2), ErrorResponse.GetRetryAfter(response, now));
    }

    [Fact]
    public void Header_NameOccursTwice_JoinsTheValues()
    {
        using var response = StubbedClient.CreateResponse(
            Stream.Null, HttpStatusCode.OK, ("X-Custom", "a"), ("X-Custom", "b"));

        Assert.Equal("a, b", ErrorResponse.Header(response, "x-custom"));
    }

    [Theory]
    [InlineData("ServiceException", "ServiceException")]
    [InlineData("aws.lambda#ServiceException", "ServiceException")]
    [InlineData("ServiceException:http://internal.amazon.com/coral/#x", "ServiceException")]
    [InlineData("a#b#ServiceException", "ServiceException")]
    [InlineData(" ServiceException , ServiceException", "ServiceException")]
    [InlineData("aws.lambda#", null)]
    [InlineData(":x", null)]
    [InlineData("  ", null)]
    [InlineData(null, null)]
    public void ParseName_EachForm_ReturnsTheBareName(string? value, string? name) =>
        Assert.Equal(name, ErrorResponse.ParseName(value));

    [Theory]
    [InlineData(256, 256, "")]
    [InlineData(257, 255, "…")]
    public void ParseName_LongName_IsTruncatedAt256Characters(int length, int kept, string end) =>
        Assert.Equal(new string('x', kept) + end, ErrorResponse.ParseName(new string('x', length)));

    [Fact]
    public void GetRequestId_NoHeader_ReturnsNull()
    {
        using var response = new HttpResponseMessage();

        Assert.Null(ErrorResponse.GetRequestId(response, Redactor.None));
    }

    [Theory]
    [InlineData(300, true)]
    [InlineData(399, true)]
    [InlineData(400, false)]
    public async Task Message_EachStatus_NamesTheTargetOfARedirect(int status, bool isRedirect)
    {
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            Stream.Null, (HttpStatusCode)status, ("Location", "https://elsewhere.example.com/")));

        var exception = await Assert.ThrowsAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(Request, Ct));

        Assert.Equal(isRedirect, exception.Message.Contains("elsewhere", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(399, false)]
    [InlineData(400, true)]
    public async Task Message_ErrorIsAPage_NamesItsContentType(int status, bool isNamed)
    {
        using var client = StubbedClient.Create(_ =>
        {
            var response = StubbedClient.CreateResponse(Stream.Null, (HttpStatusCode)status);
            response.Content.Headers.ContentType = new("text/html");
            return response;
        });

        var exception = await Assert.ThrowsAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(Request, Ct));

        Assert.Equal(isNamed, exception.Message.Contains("The response is text/html", StringComparison.Ordinal));
    }

    [Fact]
    public void DescribeCall_NothingIsKnown_IsEmpty() =>
        Assert.Equal("", ExceptionMessages.DescribeCall(new LambdaErrorDetails()));

    [Theory]
    [InlineData(64 * 1024, null)]
    [InlineData((64 * 1024) + 1, null)]
    [InlineData(int.MaxValue, null)]
    [InlineData(1024 * 1024, "40000")]
    public async Task InvokeWithResponseStreamAsync_ErrorBodyIsLong_ReadsAtMost64KiB(int length, string? contentLength)
    {
        using var body = new CountingStream(length);
        List<(string Name, string Value)> headers = [("x-amzn-ErrorType", "ServiceException")];
        if (contentLength is not null) headers.Add(("Content-Length", contentLength));
        using var client = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(body, HttpStatusCode.InternalServerError, [.. headers]));

        await Assert.ThrowsAsync<ServiceException>(() => client.InvokeWithResponseStreamAsync(Request, Ct));

        Assert.Equal(64 * 1024, body.BytesRead);
        Assert.True(body.MaxRequested <= 64 * 1024, $"{body.MaxRequested} bytes were requested at {body.BytesRead}.");
        Assert.True(body.IsDisposed);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ErrorBodyIsTruncated_ThrowsTheErrorOfTheHeaders()
    {
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            new FragmentedStream("{\"message\":\"hal"u8.ToArray(), () => 4, breaksOff: true),
            HttpStatusCode.NotFound,
            ("x-amzn-ErrorType", "ResourceNotFoundException")));

        var exception = await Assert.ThrowsAsync<ResourceNotFoundException>(
            () => client.InvokeWithResponseStreamAsync(Request, Ct));

        Assert.Equal("", exception.ServiceMessage);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerDisposedTheErrorBody_ThrowsTheErrorOfTheHeaders()
    {
        using var client = StubbedClient.Create(_ =>
        {
            var response = StubbedClient.CreateResponse(
                new FragmentedStream([], () => 1),
                HttpStatusCode.TooManyRequests,
                ("x-amzn-ErrorType", "TooManyRequestsException"));
            response.Content.Dispose();
            return response;
        });

        await Assert.ThrowsAsync<TooManyRequestsException>(() => client.InvokeWithResponseStreamAsync(Request, Ct));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ErrorBodyThrowsOnDisposal_ThrowsTheErrorOfTheHeaders()
    {
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            new WatchedStream([]) { Disposed = () => throw new InvalidDataException() },
            HttpStatusCode.NotFound,
            ("x-amzn-ErrorType", "ResourceNotFoundException")));

        await Assert.ThrowsAsync<ResourceNotFoundException>(() => client.InvokeWithResponseStreamAsync(Request, Ct));
    }

    // An HttpClient that decompresses throws this exception if the body is not valid compressed data.
    [Fact]
    public async Task InvokeWithResponseStreamAsync_ErrorBodyThrowsAnotherException_ThrowsTheErrorOfTheHeaders()
    {
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            new CountingStream(1) { Failure = new InvalidDataException() },
            HttpStatusCode.NotFound,
            ("x-amzn-ErrorType", "ResourceNotFoundException")));

        await Assert.ThrowsAsync<ResourceNotFoundException>(() => client.InvokeWithResponseStreamAsync(Request, Ct));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ErrorBodyNeverArrives_ThrowsTheErrorOfTheHeadersAfterTenSeconds()
    {
        var time = new FakeTimeProvider();
        using var body = new CountingStream(1) { NeverReturns = true };
        var options = StubbedClient.Options();
        options.TimeProvider = time;
        using var client = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(
                body,
                HttpStatusCode.TooManyRequests,
                ("x-amzn-ErrorType", "TooManyRequestsException"),
                ("Retry-After", "3")),
            options);

        var call = client.InvokeWithResponseStreamAsync(Request, Ct);
        await body.ReadStarted;
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(
            TimeSpan.FromSeconds(3), (await Assert.ThrowsAsync<TooManyRequestsException>(() => call)).RetryAfter);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CancelledWhileTheErrorBodyIsRead_ThrowsWithThatToken()
    {
        using var body = new CountingStream(1) { NeverReturns = true };
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            body, HttpStatusCode.InternalServerError, ("x-amzn-ErrorType", "ServiceException")));
        using var source = new CancellationTokenSource();

        var call = client.InvokeWithResponseStreamAsync(Request, source.Token);
        await body.ReadStarted;
        await source.CancelAsync();

        Assert.Equal(
            source.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call)).CancellationToken);
    }

    [Theory]
    [InlineData(
        "https://user:password@elsewhere.example.com:8443/a%20b?token=secret#f",
        "https://elsewhere.example.com:8443/a%20b")]
    [InlineData("/relative?token=secret", "/relative")]
    [InlineData("//user:password@elsewhere.example.com/a?token=secret", "//elsewhere.example.com/a")]
    [InlineData("//user:password@secret@elsewhere.example.com?token=secret", "//elsewhere.example.com")]
    [InlineData("//elsewhere.example.com/a@b", "//elsewhere.example.com/a@b")]
    [InlineData(null, null)]
    public async Task InvokeWithResponseStreamAsync_Redirect_IsNotFollowedAndMessageHasTheTarget(
        string? location,
        string? target)
    {
        string[] headers = location is null ? [] : ["Location: " + location];
        await using var server = RawServer.Responding(RawServer.CreateResponse(307, [], headers));
        using var client = server.CreateClient();

        var exception = await Assert.ThrowsAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(new("my-function"), Ct));

        if (target is not null) Assert.Contains(target, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", exception.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("password", exception.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, server.CompleteRequests);
        Assert.False(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task MoveNextAsync_Status200WithAnotherContentType_ReportsTheContentType()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(
            200, "<html>The proxy says hello to all.</html>"u8.ToArray(), "Content-Type: text/html"));
        using var client = server.CreateClient();
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(async () =>
        {
            await foreach (var item in response) Assert.Fail($"The body has an unexpected event {item.Kind}.");
        });

        Assert.Equal(ResponseStreamCorruptionReason.UnexpectedContentType, exception.Reason);
        Assert.Equal(("my-function", "us-east-1", 1), (exception.FunctionName, exception.Region, exception.Attempts));
        Assert.True(exception.FunctionMayHaveRun);
    }

    private sealed class CountingStream(int length) : LambdaStreaming.ResponseStream.ForwardStream
    {
        private readonly TaskCompletionSource _readStarted = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task ReadStarted => _readStarted.Task;

        public long BytesRead { get; private set; }

        /// <summary>Maximum of the bytes read so far plus the size of the buffer of the next read.</summary>
        public long MaxRequested { get; private set; }

        public bool NeverReturns { get; init; }

        public Exception? Failure { get; init; }

        public bool IsDisposed { get; private set; }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default)
        {
            MaxRequested = Math.Max(MaxRequested, BytesRead + buffer.Length);
            _readStarted.TrySetResult();
            if (NeverReturns) await Task.Delay(Timeout.Infinite, cancellationToken);
            if (Failure is not null) throw Failure;
            var count = (int)Math.Min(buffer.Length, length - BytesRead);
            buffer.Span[..count].Fill((byte)'x');
            BytesRead += count;
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
