using System.Net;
using System.Text;
using Amazon.Runtime;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Diagnostics;

/// <summary>External text and cancelled calls in spans.</summary>
public sealed class TelemetryTextTests : IDisposable
{
    private const string SessionToken = "FwoGZXIvYXdzEXAMPLETOKEN==";

    private readonly Listeners _listeners = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _listeners.Dispose();

    [Theory, InlineData("function"), InlineData("stream"), InlineData("service")]
    public async Task ErrorCode_ExternalTextIsHostile_IsOneLineWithoutSecrets(string source)
    {
        const string Code = "Bad\u202e " + SessionToken;
        var complete = $$"""{"ErrorCode":"{{Code}}"}""";
        var body = Encoding.UTF8.GetBytes($$"""{"__type":"{{Code}}"}""");
        using var client = StubbedClient.Create(
            _ => source switch
            {
                "function" => StubbedClient.CreateResponse(new MemoryStream(Messages.Complete(complete))),
                "stream" => StubbedClient.CreateResponse(new MemoryStream(Messages.Exception(Code, "{}"))),
                _ => StubbedClient.CreateResponse(new MemoryStream(body), HttpStatusCode.BadRequest, ("x", "y")),
            },
            Options());

        await Assert.ThrowsAnyAsync<LambdaStreamingException>(async () =>
        {
            await using var response = await client.InvokeWithResponseStreamAsync(new(_listeners.Function), Ct);
            await response.ReadAsByteArrayAsync(cancellationToken: Ct);
        });

        Assert.Equal("Bad  …", _listeners.Span.GetTagItem("lambda_streaming.error_code"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task FunctionMayHaveRun_CallIsCanceled_IsTheValueOfTheException(bool isSent)
    {
        using var canceling = new CancellationTokenSource();
        using var client = StubbedClient.Sending(async (request, cancellationToken) =>
        {
            if (isSent) await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
            await canceling.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            throw new InvalidOperationException("The token is not cancelled.");
        });
        var request = InvokeWithResponseStreamRequest.FromJson(_listeners.Function, "{}");

        var call = client.InvokeWithResponseStreamAsync(request, canceling.Token);
        await Assert.ThrowsAsync<InvocationCanceledException>(() => call);

        Assert.Equal(isSent, _listeners.Span.GetTagItem("lambda_streaming.function_may_have_run"));
    }

    private static LambdaStreamingClientOptions Options()
    {
        var options = StubbedClient.Options();
        options.Credentials = new SessionAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", SessionToken);
        options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never };
        return options;
    }
}
