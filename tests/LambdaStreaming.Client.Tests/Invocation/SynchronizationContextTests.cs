using System.Net;
using Amazon.Runtime;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>
/// A call does not continue on the caller's synchronization context: an app with a user interface might block that.
/// </summary>
public class SynchronizationContextTests
{
    private const string Settings = "settings", Credentials = "credentials", Headers = "headers";
    private const string ErrorBody = "error body", BodyStream = "body stream";

    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _pending;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Settings)]
    [InlineData(Credentials)]
    [InlineData(Headers)]
    [InlineData(ErrorBody)]
    [InlineData(BodyStream)]
    public async Task InvokeWithResponseStreamAsync_OperationIsPending_DoesNotContinueOnTheContext(string pending)
    {
        var client = CreateClient(pending);
        // The first call reads the settings.
        if (pending != Settings) await using (await client.InvokeWithResponseStreamAsync(new("f"), Ct)) { }
        _pending = pending;

        var context = new RecordingContext();
        var call = context.Run(() => client.InvokeWithResponseStreamAsync(new("f"), Ct));
        // Another thread reads the settings, and can be faster than the call.
        for (var repetition = 0; pending == Settings && call.IsCompleted && repetition < 100; repetition++)
        {
            await (await call).DisposeAsync();
            client.Dispose();
            client = CreateClient(pending);
            call = context.Run(() => client.InvokeWithResponseStreamAsync(new("f"), Ct));
        }

        Assert.False(call.IsCompleted);
        _gate.SetResult();
        var failure = await Record.ExceptionAsync(() => call.WaitAsync(TooLong, Ct));

        Assert.Equal(pending == ErrorBody, failure is LambdaServiceException);
        Assert.Equal(0, context.Posts);
        client.Dispose();
    }

    private LambdaStreamingClient CreateClient(string pending) => StubbedClient.Sending(RespondAsync, options =>
    {
        // Otherwise static credentials, whose read completes at once: the call stays on the context until it waits.
        if (pending != Credentials) return;
        options.Credentials = new StubbedCredentials(async _ =>
        {
            await WaitAtAsync(Credentials).ConfigureAwait(false);
            return new ImmutableCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI", null);
        });
    });

    private async Task<HttpResponseMessage> RespondAsync(HttpRequestMessage request, CancellationToken token)
    {
        await WaitAtAsync(Headers).ConfigureAwait(false);
        var response = StubbedClient.CreateResponse(new MemoryStream());
        if (_pending == ErrorBody)
        {
            response.StatusCode = HttpStatusCode.InternalServerError;
            response.Content = new StreamContent(new FuncStream(async _ =>
            {
                await WaitAtAsync(ErrorBody).ConfigureAwait(false);
                return 0;
            }));
        }
        else
        {
            response.Content = new OpenedContent(async () =>
            {
                await WaitAtAsync(BodyStream).ConfigureAwait(false);
                return new MemoryStream();
            });
        }

        return response;
    }

    private Task WaitAtAsync(string operation) => operation == _pending ? _gate.Task : Task.CompletedTask;
}
