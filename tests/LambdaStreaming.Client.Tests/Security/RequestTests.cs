using Amazon.Runtime;

namespace LambdaStreaming.Tests.Security;

/// <summary>What a caller's own input can't do to a request, and where a request does not show itself.</summary>
public class RequestTests
{
    private const string Secret = "4111 1111 1111 1111";

    public static TheoryData<string> Breaks => ["\r\n", "\n", "\r", "\0", "\t", "\u001b", "\u007f"];

    [Theory, MemberData(nameof(Breaks))]
    public async Task Invoke_ControlCharacterInWhatBecomesHead_IsRefusedAndNothingIsSent(string control)
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
            var exception = await Assert.ThrowsAsync<ArgumentException>(() => client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken));

            Assert.Equal(member, exception.ParamName);
        }

        Assert.Equal(0, sent);
    }

    [Fact]
    public async Task Invoke_LettersThatAHeaderCantCarry_AreRefused()
    {
        using var client = StubbedClient.Create(_ => new HttpResponseMessage());

        await Assert.ThrowsAsync<ArgumentException>(() => client.InvokeWithResponseStreamAsync(new("f") { TenantId = "Zoë" }, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("../../other")]
    [InlineData("a/b?Qualifier=x#y")]
    [InlineData("a%2f..%2fb")]
    public async Task Invoke_NameThatLooksLikeAPath_StaysOneSegment(string name)
    {
        Uri? url = null;
        using var client = StubbedClient.Create(request =>
        {
            url = request.RequestUri;
            return new HttpResponseMessage(System.Net.HttpStatusCode.NotFound);
        });

        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(new(name), TestContext.Current.CancellationToken));

        Assert.Equal($"/2021-11-15/functions/{Uri.EscapeDataString(name)}/response-streaming-invocations", url!.AbsolutePath);
        Assert.Equal("", url.Query);
    }

    [Fact]
    public void ToString_OfARequest_ShowsNeitherPayloadNorClientContext()
    {
        var request = InvokeWithResponseStreamRequest.FromJson("f", $$"""{"card":"{{Secret}}"}""") with { ClientContext = InvokeWithResponseStreamRequest.EncodeClientContext($$$"""{"custom":{"card":"{{{Secret}}}"}}""") };

        var text = request.ToString();

        Assert.DoesNotContain("4111", text, StringComparison.Ordinal);
        Assert.DoesNotContain(request.ClientContext!, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_OfACallAtTheLowestLevel_HoldNoSecretSignatureOrPayload()
    {
        var options = StubbedClient.Options();
        options.Credentials = new SessionAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEXAMPLETOKEN==");
        using var logs = new CollectedLogs();
        options.LoggerFactory = logs;
        options.Retry = new LambdaRetryOptions { MaxAttempts = 2, BaseDelay = TimeSpan.Zero, ThrottlingBaseDelay = TimeSpan.Zero };
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(), System.Net.HttpStatusCode.TooManyRequests, ("x-amzn-ErrorType", "TooManyRequestsException")), options);

        await Assert.ThrowsAsync<TooManyRequestsException>(() => client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", $"\"{Secret}\""), TestContext.Current.CancellationToken));

        Assert.NotEmpty(logs.Lines);
        Assert.All(logs.Lines, line =>
        {
            foreach (var secret in new[] { "wJalr", "FwoGZ", "4111", "Signature", "AKIDEXAMPLE" }) Assert.DoesNotContain(secret, line, StringComparison.Ordinal);
        });
    }
}
