using System.Net;
using Amazon.Runtime;

namespace LambdaStreaming.Tests.Security;

/// <summary>Input of the caller cannot change other parts of a request, and logs do not show the request.</summary>
public class RequestTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private const string Secret = "4111 1111 1111 1111";

    public static TheoryData<string> ControlCharacters => ["\r\n", "\n", "\r", "\0", "\t", "\u001b", "\u007f"];

    [Theory, MemberData(nameof(ControlCharacters))]
    public async Task InvokeWithResponseStreamAsync_ControlCharacterInAHeaderValue_ThrowsAndSendsNothing(string control)
    {
        var sent = 0;
        using var client = StubbedClient.Create(_ =>
        {
            sent++;
            return new HttpResponseMessage();
        });
        var value = $"a{control}X-Injected: 1";
        (string Member, InvokeWithResponseStreamRequest Request)[] requests =
        [
            (nameof(InvokeWithResponseStreamRequest.FunctionName), new(value)),
            (nameof(InvokeWithResponseStreamRequest.Qualifier), new("f") { Qualifier = value }),
            (nameof(InvokeWithResponseStreamRequest.TenantId), new("f") { TenantId = value }),
            (nameof(InvokeWithResponseStreamRequest.ClientContext), new("f") { ClientContext = value }),
        ];

        foreach (var (member, request) in requests)
        {
            var exception = await Assert.ThrowsAsync<ArgumentException>(
                () => client.InvokeWithResponseStreamAsync(request, Ct));

            Assert.Equal(member, exception.ParamName);
        }

        Assert.Equal(0, sent);
    }

    // Messages and logs contain the names as they are.
    [Theory]
    [InlineData("\u0085")]
    [InlineData("\u009b")]
    [InlineData("\u2028")]
    [InlineData("\u202e")]
    [InlineData("\U000E0041")]
    public async Task InvokeWithResponseStreamAsync_NameHasAHiddenCharacter_ThrowsAndSendsNothing(string hidden)
    {
        var sent = 0;
        using var client = StubbedClient.Create(_ =>
        {
            sent++;
            return new HttpResponseMessage();
        });

        await Assert.ThrowsAsync<ArgumentException>(
            nameof(InvokeWithResponseStreamRequest.FunctionName),
            () => client.InvokeWithResponseStreamAsync(new($"f{hidden}ERROR"), Ct));
        await Assert.ThrowsAsync<ArgumentException>(
            nameof(InvokeWithResponseStreamRequest.Qualifier),
            () => client.InvokeWithResponseStreamAsync(new("f") { Qualifier = $"1{hidden}ERROR" }, Ct));

        Assert.Equal(0, sent);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_NameIsTooLong_ThrowsAndSendsNothing()
    {
        var sent = 0;
        using var client = StubbedClient.Create(_ =>
        {
            sent++;
            return StubbedClient.CreateResponse(new MemoryStream());
        });
        var longest = new string('中', 2_048);
        await using (await client.InvokeWithResponseStreamAsync(new(longest) { Qualifier = longest }, Ct))
            Assert.Equal(1, sent);

        await Assert.ThrowsAsync<ArgumentException>(
            nameof(InvokeWithResponseStreamRequest.FunctionName),
            () => client.InvokeWithResponseStreamAsync(new(longest + "a"), Ct));
        await Assert.ThrowsAsync<ArgumentException>(
            nameof(InvokeWithResponseStreamRequest.Qualifier),
            () => client.InvokeWithResponseStreamAsync(new("f") { Qualifier = longest + "a" }, Ct));

        Assert.Equal(1, sent);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_NonAsciiHeaderValue_Throws()
    {
        using var client = StubbedClient.Create(_ => new HttpResponseMessage());

        await Assert.ThrowsAsync<ArgumentException>(
            () => client.InvokeWithResponseStreamAsync(new("f") { TenantId = "Zoë" }, Ct));
    }

    [Theory]
    [InlineData("../../other")]
    [InlineData("a/b?Qualifier=x#y")]
    [InlineData("a%2f..%2fb")]
    public async Task InvokeWithResponseStreamAsync_FunctionNameLooksLikeAPath_IsOneSegment(string name)
    {
        Uri? url = null;
        using var client = StubbedClient.Create(request =>
        {
            url = request.RequestUri;
            return new HttpResponseMessage(HttpStatusCode.NotFound);
        });

        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(new(name), Ct));

        Assert.Equal(
            $"/2021-11-15/functions/{Uri.EscapeDataString(name)}/response-streaming-invocations", url!.AbsolutePath);
        Assert.Equal("", url.Query);
    }

    [Fact]
    public void ToString_NamesHaveLineBreaks_IsOneLine()
    {
        var text = new InvokeWithResponseStreamRequest("f\nINFO: forged") { Qualifier = "1\r\n2" }.ToString();

        Assert.DoesNotContain(text, char.IsControl);
    }

    [Fact]
    public void ToString_Request_ContainsNeitherPayloadNorClientContext()
    {
        var context = InvokeWithResponseStreamRequest.EncodeClientContext($$$"""{"custom":{"card":"{{{Secret}}}"}}""");
        var request = InvokeWithResponseStreamRequest.FromJson("f", $$"""{"card":"{{Secret}}"}""") with
        {
            ClientContext = context,
        };

        var text = request.ToString();

        Assert.DoesNotContain("4111", text, StringComparison.Ordinal);
        Assert.DoesNotContain(request.ClientContext!, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_TraceLevel_ContainNoSecretSignatureOrPayload()
    {
        var options = StubbedClient.Options();
        options.Credentials = new SessionAWSCredentials(
            "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEXAMPLETOKEN==");
        using var logs = new CollectedLogs();
        options.LoggerFactory = logs;
        options.Retry = new LambdaRetryOptions
        {
            MaxAttempts = 2,
            BaseDelay = TimeSpan.Zero,
            ThrottlingBaseDelay = TimeSpan.Zero,
        };
        using var client = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(
                new MemoryStream(),
                HttpStatusCode.TooManyRequests,
                ("x-amzn-ErrorType", "TooManyRequestsException")),
            options);
        var request = InvokeWithResponseStreamRequest.FromJson("f", $"\"{Secret}\"");

        await Assert.ThrowsAsync<TooManyRequestsException>(() => client.InvokeWithResponseStreamAsync(request, Ct));

        Assert.NotEmpty(logs.Lines);
        Assert.All(logs.Lines, line =>
        {
            foreach (var secret in new[] { "wJalr", "FwoGZ", "4111", "Signature", "AKIDEXAMPLE" })
                Assert.DoesNotContain(secret, line, StringComparison.Ordinal);
        });
    }
}
