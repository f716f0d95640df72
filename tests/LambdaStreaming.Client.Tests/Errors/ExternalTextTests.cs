using System.Globalization;
using System.Security.Authentication;
using Amazon.Runtime;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Errors;

/// <summary>External text in exception messages is one short line without secrets.</summary>
public sealed class ExternalTextTests
{
    private const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private const string SessionToken = "FwoGZXIvYXdzEXAMPLETOKEN==";
    private const string Payload = """{"card":"4111 1111 1111 1111"}""";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Sources of external text in messages: a peer, a handler or .NET.</summary>
    public static TheoryData<string> Sources =>
    [
        "handler", "not sent", "TLS handshake", "response cannot be opened", "redirect followed", "credentials",
    ];

    [Theory, MemberData(nameof(Sources))]
    public async Task Message_ExternalTextIsHostile_IsOneShortLineWithoutSecrets(string source)
    {
        var signature = "";
        using var client = StubbedClient.Sending(
            (request, _) =>
            {
                signature = request.Headers.NonValidated["Authorization"].ToString().Split("Signature=")[1];
                return Task.FromResult(Fail(source, request, CreateHostileText(signature)));
            },
            options =>
            {
                options.Credentials = source == "credentials"
                    ? StubbedCredentials.Failing(new AmazonClientException(
                        $"external text \u202e\u001b[31m {Payload} {new string('n', 500_000)}"))
                    : new SessionAWSCredentials("AKIDEXAMPLE", SecretKey, SessionToken);
                options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never };
            });

        var exception = await Assert.ThrowsAnyAsync<LambdaStreamingException>(() => InvokeAsync(client));

        AssertIsOneShortLine(exception.Message);
        Assert.Contains("external text", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("4111", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(SessionToken, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(SecretKey, exception.Message, StringComparison.Ordinal);
        if (signature.Length > 0) Assert.DoesNotContain(signature, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadFromJsonAsync_PathHasHostileNames_MessageIsOneShortLine()
    {
        var name = "external text\u202e\u001b[31m" + new string('n', 500_000);
        await using var response = InvokeWithResponseStreamResponse.Create([$$"""{"{{name}}":x}"""]);

        var reading = response.ReadFromJsonAsync(Tests.Payload.TestJson.Default.JsonElement, cancellationToken: Ct);
        var exception = await Assert.ThrowsAsync<PayloadFormatException>(() => reading);

        AssertIsOneShortLine(exception.Message);
    }

    [Fact]
    public async Task ReadFromJsonAsync_PathHasLongNames_MessageIsShort()
    {
        var name = new string('n', 500_000);
        await using var response = InvokeWithResponseStreamResponse.Create([$$"""{"{{name}}\u202e":"no number"}"""]);

        var reading = response.ReadFromJsonAsync(
            Tests.Payload.TestJson.Default.DictionaryStringInt32, cancellationToken: Ct);
        var exception = await Assert.ThrowsAsync<PayloadFormatException>(() => reading);

        AssertIsOneShortLine(exception.Message);
    }

    [Fact]
    public async Task Message_FunctionErrorIsHostile_IsOneShortLineWithoutSecrets()
    {
        var code = CreateHostileText(SessionToken);
        var errorDetails = $$"""{"errorType":{{Serialize(code)}}}""";
        var complete = $$"""{"ErrorCode":{{Serialize(code)}},"ErrorDetails":{{Serialize(errorDetails)}}}""";
        using var client = StubbedClient.Streaming(new MemoryStream(Messages.Complete(complete)), Options());
        await using var response = await InvokeAsync(client);

        var exception = await Assert.ThrowsAsync<FunctionErrorException>(
            () => response.ReadAsByteArrayAsync(cancellationToken: Ct));

        AssertIsOneShortLine(exception.Message);
        Assert.DoesNotContain(SessionToken, exception.Message, StringComparison.Ordinal);
    }

    private static Task<InvokeWithResponseStreamResponse> InvokeAsync(LambdaStreamingClient client) =>
        client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", Payload), Ct);

    private static string Serialize(string text) =>
        System.Text.Json.JsonSerializer.Serialize(text, Tests.Payload.TestJson.Default.String);

    private static LambdaStreamingClientOptions Options()
    {
        var options = StubbedClient.Options();
        options.Credentials = new SessionAWSCredentials("AKIDEXAMPLE", SecretKey, SessionToken);
        return options;
    }

    // Control and format characters, each secret of the call, and half a million letters.
    private static string CreateHostileText(string signature) =>
        "external text \u001b[31m\u202e\u200b\u2028\u2029\u0085\u009b\ufeff "
        + $"{signature} {SessionToken} {SecretKey} {Payload} {new string('n', 500_000)}";

    private static HttpResponseMessage Fail(string source, HttpRequestMessage request, string text)
    {
        switch (source)
        {
            case "handler":
                throw new TimeZoneNotFoundException(text);
            case "not sent":
                throw new HttpRequestException(text);
            case "TLS handshake":
                var cause = new AuthenticationException(text);
                throw new HttpRequestException(HttpRequestError.SecureConnectionError, "x", cause);
            case "redirect followed":
                request.Method = HttpMethod.Get;
                var path = Uri.EscapeDataString(text[..5_000]);
                request.RequestUri = new Uri("https://elsewhere.example.com/" + path);
                return new HttpResponseMessage();
            default:
                var content = new OpenedContent(() => throw new InvalidDataException(text));
                return new HttpResponseMessage { Content = content };
        }
    }

    private static void AssertIsOneShortLine(string message)
    {
        Assert.InRange(message.Length, 1, 2_500);
        foreach (var rune in message.EnumerateRunes())
        {
            var category = System.Text.Rune.GetUnicodeCategory(rune);
            Assert.False(
                category is UnicodeCategory.Control or UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator,
                $"U+{rune.Value:X4} in the message");
        }
    }
}
