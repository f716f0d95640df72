using System.Net;
using System.Text;
using System.Text.Json;
using Amazon.Runtime;
using LambdaStreaming.Errors;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Errors;

/// <summary>External text in exception messages: bounded, one line, and without the secrets of the call.</summary>
public class RedactedMessageTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private const string SessionToken = "FwoGZXIvYXdzEXAMPLETOKEN==";
    private const string Payload = """{"card":"4111 1111 1111 1111"}""";

    [Fact]
    public async Task FunctionMayHaveRun_EarlierAttemptGotStatus503_IsTrue()
    {
        var sends = 0;
        using var client = StubbedClient.Create(
            _ => ++sends == 1
                ? StubbedClient.CreateResponse(new MemoryStream(), HttpStatusCode.ServiceUnavailable)
                : Respond(404, "{}", ("x-amzn-ErrorType", "ResourceNotFoundException")),
            Options());
        var request = Request();
        request.Retry!.Policy = LambdaRetryPolicy.AtLeastOnce;

        var exception = await Assert.ThrowsAsync<ResourceNotFoundException>(
            () => client.InvokeWithResponseStreamAsync(request, Ct));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerAddsAHeaderWithoutAValue_ThrowsTheServiceError()
    {
        using var client = StubbedClient.Create(
            request =>
            {
                request.Headers.TryAddWithoutValidation("X-Amz-Client-Context", "");
                return Respond(404, """{"Message":"m"}""", ("x-amzn-ErrorType", "ResourceNotFoundException"));
            },
            Options());

        await Assert.ThrowsAsync<ResourceNotFoundException>(() => client.InvokeWithResponseStreamAsync(Request(), Ct));
    }

    [Fact]
    public async Task Message_ServiceEchoesTheSignature_DoesNotContainIt()
    {
        var signature = "";
        using var client = StubbedClient.Create(
            request =>
            {
                signature = GetSignature(request);
                return Respond(
                    403,
                    $$"""{"message":"not {{signature}} but another"}""",
                    ("x-amzn-ErrorType", "InvalidSignatureException"));
            },
            Options());

        var exception = await Assert.ThrowsAsync<InvalidSignatureException>(
            () => client.InvokeWithResponseStreamAsync(Request(), Ct));

        Assert.Contains("not … but another", exception.Message, StringComparison.Ordinal);
        Assert.Contains(signature, exception.ServiceMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("12345678", "said 12345678")]
    [InlineData("123456789", "said …")]
    public async Task Message_ServiceEchoesThePayload_DoesNotContainNineBytesOrMore(string payload, string expected)
    {
        using var client = StubbedClient.Create(
            _ => Respond(500, $$"""{"message":"said {{payload}}"}""", ("x-amzn-ErrorType", "ServiceException")),
            Options());
        var request = InvokeWithResponseStreamRequest.FromJson("f", payload);

        var exception = await Assert.ThrowsAsync<ServiceException>(
            () => client.InvokeWithResponseStreamAsync(request, Ct));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1000, "", 1000, "")]
    [InlineData(1001, "", 1000, "…")]
    [InlineData(999, "🚀", 999, "…")]
    [InlineData(998, "🚀", 998, "🚀")]
    [InlineData(10, "\\nsecond line", 10, "")]
    [InlineData(10, "\\r\\n", 10, "")]
    public async Task Message_ServiceMessageIsAtTheLimit_IsTruncatedAtTheLimit(
        int length,
        string more,
        int kept,
        string end)
    {
        var body = $$"""{"message":"{{new string('m', length)}}{{more}}"}""";

        var exception = await FailAsync<ServiceException>(500, body, ("x-amzn-ErrorType", "ServiceException"));

        var separator = end == "…" ? " " : ". ";
        var expected = $"ServiceException: {new string('m', kept)}{end}{separator}";
        Assert.StartsWith(expected, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_ServiceMessageStartsWithAControlCharacter_ReplacesItWithASpace()
    {
        var exception = await FailAsync<ServiceException>(
            500, """{"message":"\u001b[31mred"}""", ("x-amzn-ErrorType", "ServiceException"));

        Assert.StartsWith("ServiceException:  [31mred. ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_ServiceMessageIsLong_IsTruncated()
    {
        var body = $$"""{"message":"{{new string('m', 999)}}🚀🚀"}""";

        var exception = await FailAsync<ServiceException>(500, body, ("x-amzn-ErrorType", "ServiceException"));

        Assert.Contains(new string('m', 999) + "… ", exception.Message, StringComparison.Ordinal);
        Assert.Equal(999 + 4, exception.ServiceMessage.Length);
    }

    // Some messages of the service quote the request. IncompleteSignature quotes the Authorization header,
    // InvalidSignature the canonical request with the session token, and InvalidRequestContent the payload. In this
    // test, every error quotes header, token and payload.
    [Theory, MemberData(nameof(ServiceErrorTableTests.Codes), MemberType = typeof(ServiceErrorTableTests))]
    public async Task Message_ServiceEchoesTheRequest_ContainsNoSecretSignatureOrPayload(string code)
    {
        var (exception, signature) = await EchoAsync(ServiceErrorTable.Find(code)!.StatusCode, code);

        Assert.Equal(64, signature.Length);
        Assert.Contains(signature, exception.ServiceMessage, StringComparison.Ordinal);
        AssertNoSecrets(exception, signature);
    }

    [Theory]
    [InlineData("FutureException", 400)]
    [InlineData("", 500)]
    public async Task Message_UnknownErrorEchoesTheRequest_ContainsNoSecretSignatureOrPayload(string code, int status)
    {
        var (exception, signature) = await EchoAsync(status, code);

        AssertNoSecrets(exception, signature);
    }

    [Fact]
    public async Task Message_ServiceQuotesTheCanonicalRequest_DoesNotContainIt()
    {
        const string Body =
            """{"message":"The request signature we calculated does not match.\n\n"""
            + """The Canonical String for this request should have been\n"""
            + """'POST\nx-amz-security-token:other-token\n'"}""";

        var exception = await FailAsync<InvalidSignatureException>(
            403, Body, ("x-amzn-ErrorType", "InvalidSignatureException"));

        Assert.StartsWith(
            "InvalidSignatureException: The request signature we calculated does not match. ",
            exception.Message,
            StringComparison.Ordinal);
        Assert.DoesNotContain("Canonical String", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("other-token", exception.ToString(), StringComparison.Ordinal);
        Assert.Contains("other-token", exception.ServiceMessage, StringComparison.Ordinal);
    }

    // The message of the service can contain a part of the payload, so it is not quoted at all.
    [Fact]
    public async Task Message_InvalidRequestContent_DoesNotQuoteTheService()
    {
        var exception = await FailAsync<InvalidRequestContentException>(
            400,
            """{"message":"Unrecognized token '4111'"}""",
            ("x-amzn-ErrorType", "InvalidRequestContentException"));

        Assert.DoesNotContain("4111", exception.ToString(), StringComparison.Ordinal);
        Assert.Contains("4111", exception.ServiceMessage, StringComparison.Ordinal);
    }

    // The message of an error that this version does not know can also contain a part of the payload.
    [Fact]
    public async Task Message_UnknownBadRequest_DoesNotQuoteTheService()
    {
        var exception = await FailAsync<LambdaServiceException>(
            400, """{"message":"Unexpected token near '4111'"}""", ("x-amzn-ErrorType", "SerializationException"));

        Assert.StartsWith("SerializationException", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("4111", exception.ToString(), StringComparison.Ordinal);
        Assert.Contains("4111", exception.ServiceMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_ServiceEchoesTheClientContext_DoesNotContainIt()
    {
        var context = InvokeWithResponseStreamRequest.EncodeClientContext("""{"custom":{"secret":"4111"}}""");
        var body = $$"""{"message":"Value '{{context}}' at 'clientContext' failed to satisfy a constraint"}""";
        using var client = StubbedClient.Create(
            _ => Respond(400, body, ("x-amzn-ErrorType", "InvalidParameterValueException")), Options());

        var exception = await Assert.ThrowsAsync<InvalidParameterValueException>(
            () => client.InvokeWithResponseStreamAsync(Request() with { ClientContext = context }, Ct));

        Assert.Contains("Value '…' at 'clientContext'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_ErrorNameOrRequestIdEchoesTheToken_DoesNotContainIt()
    {
        var body = $$"""{"__type":"Foo {{SessionToken}}","message":"m"}""";

        var exception = await FailAsync<LambdaServiceException>(500, body, ("x-amzn-RequestId", "id-" + SessionToken));

        Assert.StartsWith("Foo …: m. ", exception.Message, StringComparison.Ordinal);
        Assert.Contains("id-…", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_RequestIdIsTruncatedWithinTheToken_ContainsNothingOfTheToken()
    {
        var start = new string('x', 190);

        var exception = await FailAsync<LambdaServiceException>(500, "{}", ("x-amzn-RequestId", start + SessionToken));

        Assert.Contains(start + "…", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_FailureWhileReading_ContainsNoSecretSignatureOrPayload()
    {
        const string Echo = """{\"card\":\"4111 1111 1111 1111\"}""";
        const string Details = """{\"errorMessage\":\"4111 1111 1111 1111\"}""";
        const string DetailsWithToken = $$"""{\"errorType\":\"{{SessionToken}}\"}""";
        (string Name, byte[] End)[] ends =
        [
            ("exception", Messages.Exception("InvalidRequestContentException", $$"""{"message":"{{Echo}}"}""")),
            (
                "quoted exception",
                Messages.Exception("ServiceException", $$"""{"message":"{{SessionToken}} for {{Echo}}"}""")),
            ("unknown exception", Messages.Exception(SessionToken, "{}")),
            (
                "unknown function error",
                Messages.Complete($$"""{"ErrorCode":"{{SessionToken}}","ErrorDetails":"{{DetailsWithToken}}"}""")),
            ("function error", Messages.Complete($$"""{"ErrorCode":"Unhandled","ErrorDetails":"{{Details}}"}""")),
            ("truncated", []),
            ("corrupt", new byte[20]),
        ];
        foreach (var (name, end) in ends)
        {
            byte[] body = [.. Messages.Chunk("output"), .. end];
            using var client = StubbedClient.Create(
                _ => StubbedClient.CreateResponse(new MemoryStream(body)), Options());
            using var response = await client.InvokeWithResponseStreamAsync(Request(), Ct);

            var exception = await Assert.ThrowsAnyAsync<LambdaStreamingException>(async () =>
            {
                await foreach (var chunk in response.ReadChunksAsync(Ct))
                    Assert.Equal(6, chunk.Length);
            });

            AssertNoSecrets(exception, "signature-of-" + name);
            Assert.DoesNotContain("output", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Message_TransportFailure_ContainsNoSecretSignatureOrPayload()
    {
        using var client = StubbedClient.Create(_ => throw new HttpRequestException("broke"), Options());

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(Request(), Ct));

        AssertNoSecrets(exception, "Signature=");
    }

    private static void AssertNoSecrets(Exception exception, string signature)
    {
        foreach (var text in new[] { exception.Message, exception.ToString() })
        {
            Assert.DoesNotContain("AKIDEXAMPLE", text, StringComparison.Ordinal);
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

    private static InvokeWithResponseStreamRequest Request() =>
        InvokeWithResponseStreamRequest.FromJson("my-function", Payload) with
        {
            Retry = new LambdaRetryOptions
            {
                MaxAttempts = 3,
                BaseDelay = TimeSpan.Zero,
                ThrottlingBaseDelay = TimeSpan.Zero,
            },
        };

    private static async Task<(LambdaServiceException Exception, string Signature)> EchoAsync(int status, string code)
    {
        var signature = "";
        using var client = StubbedClient.Create(
            request =>
            {
                var authorization = request.Headers.NonValidated["Authorization"].ToString();
                var token = request.Headers.NonValidated["X-Amz-Security-Token"];
                signature = GetSignature(request);
                var echo = $"The header '{authorization}' of {Payload} with {token} is not valid";
                var body = $$"""{"message":{{JsonSerializer.Serialize(echo)}}}""";
                return Respond(status, body, ("x-amzn-ErrorType", code));
            },
            Options());
        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(Request(), Ct));
        return (exception, signature);
    }

    private static string GetSignature(HttpRequestMessage request) =>
        request.Headers.NonValidated["Authorization"].ToString().Split("Signature=")[1];

    private static HttpResponseMessage Respond(int status, string body, params (string Name, string Value)[] headers) =>
        StubbedClient.CreateResponse(new MemoryStream(Encoding.UTF8.GetBytes(body)), (HttpStatusCode)status, headers);

    private static async Task<T> FailAsync<T>(int status, string body, params (string Name, string Value)[] headers)
        where T : LambdaServiceException
    {
        using var client = StubbedClient.Create(_ => Respond(status, body, headers), Options());
        return await Assert.ThrowsAnyAsync<T>(() => client.InvokeWithResponseStreamAsync(Request(), Ct));
    }
}
