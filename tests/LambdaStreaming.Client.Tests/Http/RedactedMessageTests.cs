using System.Net;
using System.Text;
using Amazon.Runtime;
using LambdaStreaming.Errors;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Http;

/// <summary>External text in exception messages: bounded, one line, and without the secrets of the call.</summary>
public class RedactedMessageTests
{
    private const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private const string SessionToken = "FwoGZXIvYXdzEXAMPLETOKEN==";
    private const string Payload = """{"card":"4111 1111 1111 1111"}""";

    [Fact]
    public async Task InvokeWithResponseStreamAsync_EarlierAttemptMayHaveRun_IsReported()
    {
        var sends = 0;
        using var client = StubbedClient.Create(
            _ => ++sends == 1 ? StubbedClient.Answer(new MemoryStream(), HttpStatusCode.ServiceUnavailable) : StubbedClient.Answer(new MemoryStream("{}"u8.ToArray()), HttpStatusCode.NotFound, ("x-amzn-ErrorType", "ResourceNotFoundException")),
            Options());
        var request = Request();
        request.Retry!.Policy = LambdaRetryPolicy.AtLeastOnce;

        var exception = await Assert.ThrowsAsync<ResourceNotFoundException>(() => client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerAddedAHeaderWithoutAValue_KeepsTheError()
    {
        using var client = StubbedClient.Create(
            request =>
            {
                request.Headers.TryAddWithoutValidation("X-Amz-Client-Context", "");
                return StubbedClient.Answer(new MemoryStream("{\"Message\":\"m\"}"u8.ToArray()), HttpStatusCode.NotFound, ("x-amzn-ErrorType", "ResourceNotFoundException"));
            },
            Options());

        await Assert.ThrowsAsync<ResourceNotFoundException>(() => client.InvokeWithResponseStreamAsync(Request(), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Message_ServiceEchoesTheSignatureAlone_LeavesItOut()
    {
        var signature = "";
        using var client = StubbedClient.Create(
            request =>
            {
                var authorization = request.Headers.NonValidated["Authorization"].ToString();
                signature = authorization[(authorization.IndexOf("Signature=", StringComparison.Ordinal) + "Signature=".Length)..];
                return StubbedClient.Answer(new MemoryStream(Encoding.UTF8.GetBytes($$"""{"message":"not {{signature}} but another"}""")), HttpStatusCode.Forbidden, ("x-amzn-ErrorType", "InvalidSignatureException"));
            },
            Options());

        var exception = await Assert.ThrowsAsync<InvalidSignatureException>(() => client.InvokeWithResponseStreamAsync(Request(), TestContext.Current.CancellationToken));

        Assert.StartsWith("InvalidSignatureException: not … but another. ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(signature, exception.ServiceMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("12345678", "said 12345678.")]
    [InlineData("123456789", "said … ")]
    public async Task Message_ServiceEchoesThePayload_LeavesItOutFromNineBytesOn(string payload, string words)
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(Encoding.UTF8.GetBytes($$"""{"message":"said {{payload}}"}""")), HttpStatusCode.InternalServerError, ("x-amzn-ErrorType", "ServiceException")), Options());

        var exception = await Assert.ThrowsAsync<ServiceException>(() => client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", payload), TestContext.Current.CancellationToken));

        Assert.StartsWith("ServiceException: " + words, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1000, "", 1000, "")]
    [InlineData(1001, "", 1000, "…")]
    [InlineData(999, "🚀", 999, "…")]
    [InlineData(998, "🚀", 998, "🚀")]
    [InlineData(10, "\\nsecond line", 10, "")]
    [InlineData(10, "\\r\\n", 10, "")]
    public async Task Message_WordsAtTheLimit_AreCutThereAndNowhereElse(int length, string more, int kept, string end)
    {
        var exception = await ThrowAsync<ServiceException>(500, $$"""{"message":"{{new string('m', length)}}{{more}}"}""", ("x-amzn-ErrorType", "ServiceException"));

        Assert.StartsWith($"ServiceException: {new string('m', kept)}{end}{(end == "…" ? " " : ". ")}", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_WordsBeginWithAControlCharacter_ItIsABlank()
    {
        var exception = await ThrowAsync<ServiceException>(500, """{"message":"\u001b[31mred"}""", ("x-amzn-ErrorType", "ServiceException"));

        Assert.StartsWith("ServiceException:  [31mred. ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_LongWords_AreCut()
    {
        var exception = await ThrowAsync<ServiceException>(500, $$"""{"message":"{{new string('m', 999)}}🚀🚀"}""", ("x-amzn-ErrorType", "ServiceException"));

        Assert.Contains(new string('m', 999) + "… ", exception.Message, StringComparison.Ordinal);
        Assert.Equal(999 + 4, exception.ServiceMessage.Length);
    }

    // As the service does: IncompleteSignature quotes the header, InvalidSignature the canonical request with the token in it, InvalidRequestContent the payload. Here every error quotes all of it.
    [Theory, MemberData(nameof(ServiceErrorTableTests.Codes), MemberType = typeof(ServiceErrorTableTests))]
    public async Task Message_AnswerThatEchoesTheRequest_HoldsNoSecretSignatureOrPayload(string code)
    {
        var signature = "";
        var echo = await EchoAsync(ServiceErrorTable.Find(code)!.StatusCode, code, found => signature = found);

        Assert.Equal(64, signature.Length);
        Assert.Contains(signature, ((LambdaServiceException)echo).ServiceMessage, StringComparison.Ordinal);
        AssertClean(echo, signature);
    }

    [Theory]
    [InlineData("FutureException", 400)]
    [InlineData("", 500)]
    public async Task Message_UnknownErrorThatEchoesTheRequest_HoldsNoSecretSignatureOrPayload(string code, int status)
    {
        var signature = "";
        var echo = await EchoAsync(status, code, found => signature = found);

        AssertClean(echo, signature);
    }

    [Fact]
    public async Task Message_CanonicalRequestOfTheService_IsLeftOut()
    {
        var exception = await ThrowAsync<InvalidSignatureException>(
            403,
            $$"""{"message":"The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'POST\nx-amz-security-token:other-token\n'"}""",
            ("x-amzn-ErrorType", "InvalidSignatureException"));

        Assert.StartsWith("InvalidSignatureException: The request signature we calculated does not match. The function did not run. ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("other-token", exception.ToString(), StringComparison.Ordinal);
        Assert.Contains("other-token", exception.ServiceMessage, StringComparison.Ordinal);
    }

    // A part of the payload cannot be told from the service's own words; so these are not repeated at all.
    [Fact]
    public async Task Message_InvalidRequestContent_DoesNotQuoteTheService()
    {
        var exception = await ThrowAsync<InvalidRequestContentException>(400, """{"message":"Unrecognized token '4111'"}""", ("x-amzn-ErrorType", "InvalidRequestContentException"));

        Assert.DoesNotContain("4111", exception.ToString(), StringComparison.Ordinal);
        Assert.Contains("4111", exception.ServiceMessage, StringComparison.Ordinal);
    }

    // Nor can a piece of it in the words of an error that this version does not know.
    [Fact]
    public async Task Message_UnknownBadRequest_DoesNotQuoteTheService()
    {
        var exception = await ThrowAsync<LambdaServiceException>(400, """{"message":"Unexpected token near '4111'"}""", ("x-amzn-ErrorType", "SerializationException"));

        Assert.StartsWith("SerializationException; ServiceMessage has the service's own words. ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("4111", exception.ToString(), StringComparison.Ordinal);
        Assert.Contains("4111", exception.ServiceMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_ServiceEchoesTheClientContext_LeavesItOut()
    {
        var context = InvokeWithResponseStreamRequest.EncodeClientContext("""{"custom":{"secret":"4111"}}""");
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(Encoding.UTF8.GetBytes($$"""{"message":"Value '{{context}}' at 'clientContext' failed to satisfy a constraint"}""")), HttpStatusCode.BadRequest, ("x-amzn-ErrorType", "InvalidParameterValueException")), Options());

        var exception = await Assert.ThrowsAsync<InvalidParameterValueException>(() => client.InvokeWithResponseStreamAsync(Request() with { ClientContext = context }, TestContext.Current.CancellationToken));

        Assert.Contains("Value '…' at 'clientContext'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_NameOrIdEchoesTheToken_LeavesItOut()
    {
        var exception = await ThrowAsync<LambdaServiceException>(500, $$"""{"__type":"Foo {{SessionToken}}","message":"m"}""", ("x-amzn-RequestId", "id-" + SessionToken));

        Assert.StartsWith("Foo …: m. ", exception.Message, StringComparison.Ordinal);
        Assert.EndsWith(", request id id-…).", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_LongIdIsCutAmidTheToken_ShowsNoneOfIt()
    {
        var exception = await ThrowAsync<LambdaServiceException>(500, "{}", ("x-amzn-RequestId", new string('x', 190) + SessionToken));

        Assert.EndsWith(", request id " + new string('x', 190) + "…).", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_FailuresWithinTheAnswer_HoldNoSecretSignatureOrPayload()
    {
        (string What, byte[] Body)[] bodies =
        [
            ("exception", [.. Messages.Chunk("output"), .. Messages.Exception("InvalidRequestContentException", """{"message":"{\"card\":\"4111 1111 1111 1111\"}"}""")]),
            ("exception whose words are quoted", [.. Messages.Chunk("output"), .. Messages.Exception("ServiceException", $$$"""{"message":"{{{SessionToken}}} for {\"card\":\"4111 1111 1111 1111\"}"}""")]),
            ("exception with a name of its own", [.. Messages.Chunk("output"), .. Messages.Exception(SessionToken, "{}")]),
            ("function error with a name of its own", [.. Messages.Chunk("output"), .. Messages.Complete($$$"""{"ErrorCode":"{{{SessionToken}}}","ErrorDetails":"{\"errorType\":\"{{{SessionToken}}}\"}"}""")]),
            ("function error", [.. Messages.Chunk("output"), .. Messages.Complete("""{"ErrorCode":"Unhandled","ErrorDetails":"{\"errorMessage\":\"4111 1111 1111 1111\"}"}""")]),
            ("truncated", Messages.Chunk("output")),
            ("corrupt", [.. Messages.Chunk("output"), .. new byte[20]]),
        ];
        foreach (var (what, body) in bodies)
        {
            using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(body)), Options());
            using var response = await client.InvokeWithResponseStreamAsync(Request(), TestContext.Current.CancellationToken);

            var exception = await Assert.ThrowsAnyAsync<LambdaStreamingException>(async () =>
            {
                await foreach (var chunk in response.ReadChunksAsync(TestContext.Current.CancellationToken)) Assert.Equal(6, chunk.Length);
            });

            AssertClean(exception, "signature-of-" + what);
            Assert.DoesNotContain("output", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Message_TransportFailure_HoldsNoSecretSignatureOrPayload()
    {
        using var client = StubbedClient.Create(_ => throw new HttpRequestException("broke"), Options());

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(Request(), TestContext.Current.CancellationToken));

        AssertClean(exception, "Signature=");
    }

    private static void AssertClean(Exception exception, string signature)
    {
        foreach (var text in new[] { exception.Message, exception.ToString() })
        {
            Assert.DoesNotContain(SecretKey, text, StringComparison.Ordinal);
            Assert.DoesNotContain(SessionToken, text, StringComparison.Ordinal);
            Assert.DoesNotContain(signature, text, StringComparison.Ordinal);
            Assert.DoesNotContain("4111", text, StringComparison.Ordinal);
        }
    }

    private static LambdaStreamingClientOptions Options()
    {
        var options = StubbedClient.Options();
        options.Credentials = new SessionAWSCredentials("AKIDEXAMPLE", SecretKey, SessionToken);
        return options;
    }

    private static InvokeWithResponseStreamRequest Request() => InvokeWithResponseStreamRequest.FromJson("my-function", Payload) with { Retry = new LambdaRetryOptions { MaxAttempts = 3, BaseDelay = TimeSpan.Zero, ThrottlingBaseDelay = TimeSpan.Zero } };

    private static async Task<Exception> EchoAsync(int status, string code, Action<string> found)
    {
        using var client = StubbedClient.Create(
            request =>
            {
                var authorization = request.Headers.NonValidated["Authorization"].ToString();
                var signature = authorization[(authorization.IndexOf("Signature=", StringComparison.Ordinal) + "Signature=".Length)..];
                found(signature);
                var echo = $"The header '{authorization}' of {Payload} with {request.Headers.NonValidated["X-Amz-Security-Token"]} is not good";
                var body = Encoding.UTF8.GetBytes($$"""{"message":{{System.Text.Json.JsonSerializer.Serialize(echo)}}}""");
                return StubbedClient.Answer(new MemoryStream(body), (HttpStatusCode)status, ("x-amzn-ErrorType", code));
            },
            Options());
        return await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(Request(), TestContext.Current.CancellationToken));
    }

    private static async Task<T> ThrowAsync<T>(int status, string body, params (string Name, string Value)[] headers)
        where T : LambdaServiceException
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(Encoding.UTF8.GetBytes(body)), (HttpStatusCode)status, headers), Options());
        return await Assert.ThrowsAnyAsync<T>(() => client.InvokeWithResponseStreamAsync(Request(), TestContext.Current.CancellationToken));
    }
}
