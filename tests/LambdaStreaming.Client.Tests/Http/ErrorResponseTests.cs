using System.Net;
using System.Text;
using LambdaStreaming.Errors;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tests.Http;

public class ErrorResponseTests
{
    private static readonly InvokeWithResponseStreamRequest Request = new("my-function") { Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never } };

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
    public void FromBody_AnyText_IsReadAsFarAsItGoes(string body, string? code, string? message)
    {
        var answer = ErrorResponse.FromBody(Encoding.UTF8.GetBytes(body));

        Assert.Equal(code, answer.Code);
        Assert.Equal(message, answer.Message);
    }

    [Fact]
    public void FromBody_NotUtf8InAValue_KeepsTheRest()
    {
        byte[] body = [.. "{\"message\":\"a"u8, 0xFF, 0xC3, .. "b\",\"__type\":\"A\"}"u8];

        var answer = ErrorResponse.FromBody(body);

        Assert.Equal("A", answer.Code);
        Assert.Equal("a\ufffd\ufffdb", answer.Message);
    }

    [Fact]
    public void FromBody_NotUtf8AtAll_IsNothing()
    {
        var answer = ErrorResponse.FromBody([0xFF, 0xFE, 0x00, 0x41]);

        Assert.Equal((null, null), (answer.Code, answer.Message));
    }

    [Fact]
    public void FromBody_DeepJson_IsReadAndKept()
    {
        var deep = new string('[', 30_000) + new string(']', 30_000);

        var answer = ErrorResponse.FromBody(Encoding.UTF8.GetBytes($$"""{"Deep":{{deep}},"message":"m"}"""));

        Assert.Equal("m", answer.Message);
        Assert.Equal(deep, answer.Fields["Deep"]);
    }

    [Theory, InlineData(1024, true), InlineData(1025, false)]
    public void FromBody_PlainText_IsAMessageUpToItsLimit(int bytes, bool isTaken) =>
        Assert.Equal(isTaken, ErrorResponse.FromBody(Encoding.UTF8.GetBytes(new string('a', bytes))).Message is not null);

    [Fact]
    public async Task ReadAsync_HeaderAndBodyNameTheError_TheHeaderCounts()
    {
        using var response = StubbedClient.Answer(new MemoryStream("""{"__type":"OfTheBody","message":"m"}"""u8.ToArray()), HttpStatusCode.BadRequest, ("x-amzn-ErrorType", "OfTheHeader:http://x"));

        var answer = await ErrorResponse.ReadAsync(response, TestContext.Current.CancellationToken);

        Assert.Equal(("OfTheHeader", "m"), (answer.Code, answer.Message));
    }

    [Theory]
    [InlineData("x-amz-retry-after", "2147483647", 2147483647.0)]
    [InlineData("x-amz-retry-after", "2147483648", null)]
    [InlineData("Retry-After", "0", 0.0)]
    [InlineData("Retry-After", "Tue, 24 Nov 2026 10:00:00 GMT", 0.0)]
    [InlineData("Retry-After", "Tue, 24 Nov 2026 09:59:59 GMT", null)]
    [InlineData("Retry-After", "Tue, 24 Nov 2026 10:00:01 GMT", 1000.0)]
    public void GetRetryAfter_AnyValue_IsWhatIsLeftToWait(string name, string value, double? milliseconds)
    {
        using var response = StubbedClient.Answer(Stream.Null, HttpStatusCode.TooManyRequests, (name, value));

        Assert.Equal(milliseconds, ErrorResponse.GetRetryAfter(response, new DateTimeOffset(2026, 11, 24, 10, 0, 0, TimeSpan.Zero))?.TotalMilliseconds);
    }

    [Fact]
    public void GetRetryAfter_DateBesideTheAnswersOwn_IsCountedFromThatOne()
    {
        using var response = StubbedClient.Answer(Stream.Null, HttpStatusCode.TooManyRequests, ("Date", "Tue, 24 Nov 2026 10:00:00 GMT"), ("Retry-After", "Tue, 24 Nov 2026 10:00:02 GMT"));

        Assert.Equal(TimeSpan.FromSeconds(2), ErrorResponse.GetRetryAfter(response, new DateTimeOffset(2026, 11, 24, 13, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void Header_ComesTwice_ValuesAreJoined()
    {
        using var response = StubbedClient.Answer(Stream.Null, HttpStatusCode.OK, ("X-Custom", "a"), ("X-Custom", "b"));

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
    public void ShortenName_EachForm_IsShortened(string? value, string? name) => Assert.Equal(name, ErrorResponse.ParseName(value));

    [Theory]
    [InlineData(64 * 1024, null)]
    [InlineData((64 * 1024) + 1, null)]
    [InlineData(int.MaxValue, null)]
    [InlineData(1024 * 1024, "40000")]
    public async Task Invoke_LongErrorBody_IsReadTo64KiBAndNoFurther(int length, string? saidLength)
    {
        using var body = new CountingStream(length);
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(body, HttpStatusCode.InternalServerError, [("x-amzn-ErrorType", "ServiceException"), .. saidLength is null ? ((string, string)[])[] : [("Content-Length", saidLength)]]));

        await Assert.ThrowsAsync<ServiceException>(() => client.InvokeWithResponseStreamAsync(Request, TestContext.Current.CancellationToken));

        Assert.Equal(64 * 1024, body.Given);
        Assert.True(body.MostAsked <= 64 * 1024, $"{body.MostAsked} bytes were asked for at {body.Given}.");
        Assert.True(body.IsDisposed);
    }

    [Fact]
    public async Task Invoke_ErrorBodyThatBreaksOff_IsTheErrorOfTheHead()
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(
            new FragmentedStream("{\"message\":\"hal"u8.ToArray(), () => 4, breaksOff: true), HttpStatusCode.NotFound, ("x-amzn-ErrorType", "ResourceNotFoundException")));

        var exception = await Assert.ThrowsAsync<ResourceNotFoundException>(() => client.InvokeWithResponseStreamAsync(Request, TestContext.Current.CancellationToken));

        Assert.Equal("", exception.ServiceMessage);
    }

    // As a caller's HttpClient does that decompresses.
    [Fact]
    public async Task Invoke_ErrorBodyThatThrowsAnythingElse_IsTheErrorOfTheHead()
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new CountingStream(1) { Failure = new InvalidDataException() }, HttpStatusCode.NotFound, ("x-amzn-ErrorType", "ResourceNotFoundException")));

        await Assert.ThrowsAsync<ResourceNotFoundException>(() => client.InvokeWithResponseStreamAsync(Request, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Invoke_ErrorBodyThatDoesNotCome_IsTheErrorOfTheHeadAfterTenSeconds()
    {
        var time = new FakeTimeProvider();
        using var body = new CountingStream(1) { Silent = true };
        var options = StubbedClient.Options();
        options.TimeProvider = time;
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(body, HttpStatusCode.TooManyRequests, ("x-amzn-ErrorType", "TooManyRequestsException"), ("Retry-After", "3")), options);

        var call = client.InvokeWithResponseStreamAsync(Request, TestContext.Current.CancellationToken);
        await body.Asked;
        Assert.False(call.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(TimeSpan.FromSeconds(3), (await Assert.ThrowsAsync<TooManyRequestsException>(() => call)).RetryAfter);
    }

    [Fact]
    public async Task Invoke_CancelledWhileTheErrorBodyIsRead_IsCancelled()
    {
        using var body = new CountingStream(1) { Silent = true };
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(body, HttpStatusCode.InternalServerError, ("x-amzn-ErrorType", "ServiceException")));
        using var source = new CancellationTokenSource();

        var call = client.InvokeWithResponseStreamAsync(Request, source.Token);
        await body.Asked;
        await source.CancelAsync();

        Assert.Equal(source.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call)).CancellationToken);
    }

    [Theory]
    [InlineData("https://user:password@elsewhere.example.com:8443/a%20b?token=secret#f", "https://elsewhere.example.com:8443/a%20b")]
    [InlineData("/relative?token=secret", "/relative")]
    [InlineData(null, "nowhere")]
    public async Task Invoke_Redirect_SaysWhereItPointedAndIsNotFollowed(string? location, string target)
    {
        await using var server = RawServer.Responding(RawServer.Answer(307, [], location is null ? [] : ["Location: " + location]));
        using var client = server.CreateClient();

        var exception = await Assert.ThrowsAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(new("my-function"), TestContext.Current.CancellationToken));

        Assert.Contains($" redirects to {target}. ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", exception.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("password", exception.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, server.CompleteRequests);
        Assert.False(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task Read_Status200OfAnotherContentType_ReportsTheContentType()
    {
        await using var server = RawServer.Responding(RawServer.Answer(200, "<html>The proxy says hello to all.</html>"u8.ToArray(), "Content-Type: text/html"));
        using var client = server.CreateClient();
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), TestContext.Current.CancellationToken);

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(async () =>
        {
            await foreach (var item in response) Assert.Fail($"There is no {item.Kind}.");
        });

        Assert.Equal(ResponseStreamCorruptionReason.UnexpectedContentType, exception.Reason);
        Assert.Equal(("my-function", "us-east-1", 1), (exception.FunctionName, exception.Region, exception.Attempts));
        Assert.True(exception.FunctionMayHaveRun);
    }

    private sealed class CountingStream(int length) : LambdaStreaming.ResponseStream.ForwardStream
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Asked => _asked.Task;

        public long Given { get; private set; }

        /// <summary>The most that reads would have taken in all.</summary>
        public long MostAsked { get; private set; }

        public bool Silent { get; init; }

        public Exception? Failure { get; init; }

        public bool IsDisposed { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            MostAsked = Math.Max(MostAsked, Given + buffer.Length);
            _asked.TrySetResult();
            if (Silent) await Task.Delay(Timeout.Infinite, cancellationToken);
            if (Failure is not null) throw Failure;
            var count = (int)Math.Min(buffer.Length, length - Given);
            buffer.Span[..count].Fill((byte)'x');
            Given += count;
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
