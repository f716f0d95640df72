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
        var client = CreateClient();
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
            client = CreateClient();
            call = context.Run(() => client.InvokeWithResponseStreamAsync(new("f"), Ct));
        }

        Assert.False(call.IsCompleted);
        _gate.SetResult();
        var failure = await Record.ExceptionAsync(() => call.WaitAsync(TooLong, Ct));

        Assert.Equal(pending == ErrorBody, failure is LambdaServiceException);
        Assert.Equal(0, context.Posts);
        client.Dispose();
    }

    private LambdaStreamingClient CreateClient() =>
        StubbedClient.Sending(RespondAsync, options => options.Credentials = new StubbedCredentials(
            async _ =>
            {
                await WaitAtAsync(Credentials).ConfigureAwait(false);
                return new ImmutableCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI", null);
            }));

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

    private sealed class RecordingContext : SynchronizationContext
    {
        private int _posts;

        public int Posts => Volatile.Read(ref _posts);

        public T Run<T>(Func<T> action)
        {
            var before = Current;
            SetSynchronizationContext(this);
            try
            {
                return action();
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }

        public override void Post(SendOrPostCallback d, object? state)
        {
            Interlocked.Increment(ref _posts);
            base.Post(d, state);
        }
    }
}
