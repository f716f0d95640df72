using System.Net;
using LambdaStreaming.Tests.Payload;
using Microsoft.Extensions.Time.Testing;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>Callbacks and disposals of a caller's handlers and content that throw. They change no outcome.</summary>
public class CallerCodeTests
{
    private static readonly InvokeWithResponseStreamRequest Request = new("f") { Payload = "{}"u8.ToArray() };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ErrorBodyThrowsOnCancellation_ThrowsTheErrorOfTheHeaders()
    {
        var clock = new FakeTimeProvider();
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var body = new FuncStream((_, token) => new ValueTask<int>(WaitForeverAsync<int>(reading, token)));
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        using var client = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(
                body, HttpStatusCode.NotFound, ("x-amzn-ErrorType", "ResourceNotFoundException")),
            options);
        var call = client.InvokeWithResponseStreamAsync(Request, Ct);
        await reading.Task.WaitAsync(TooLong, Ct);

        clock.Advance(TimeSpan.FromSeconds(10));

        await Assert.ThrowsAsync<ResourceNotFoundException>(() => call.WaitAsync(TooLong, Ct));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerThrowsOnCancellation_ThrowsAtTheTimeout()
    {
        var clock = new FakeTimeProvider();
        var sending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var client = StubbedClient.Sending(
            (_, token) => WaitForeverAsync<HttpResponseMessage>(sending, token),
            options =>
            {
                options.TimeProvider = clock;
                options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never };
            });
        var call = client.InvokeWithResponseStreamAsync(Request, Ct);
        await sending.Task.WaitAsync(TooLong, Ct);

        clock.Advance(TimeSpan.FromMinutes(16));

        await Assert.ThrowsAsync<LambdaTransportException>(() => call.WaitAsync(TooLong, Ct));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_RequestContentThrowsOnDisposal_ReturnsTheResponse()
    {
        using var client = StubbedClient.Sending(async (request, token) =>
        {
            await request.Content!.CopyToAsync(Stream.Null, token);
            request.Content = new StreamContent(new WatchedStream([]) { Disposed = Throw });
            return StubbedClient.CreateResponse(new MemoryStream(Wire.Create("a"u8.ToArray())));
        });

        await using var response = await client.InvokeWithResponseStreamAsync(Request, Ct);

        Assert.Equal("a", await response.ReadAsStringAsync(cancellationToken: Ct));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_LateResponseThrowsOnDisposal_ExceptionIsObserved()
    {
        var unobserved = 0;
        EventHandler<UnobservedTaskExceptionEventArgs> count = (_, e) =>
        {
            if (e.Exception.InnerExceptions.OfType<DisposalException>().Any()) Interlocked.Increment(ref unobserved);
        };
        TaskScheduler.UnobservedTaskException += count;
        try
        {
            await CancelBeforeTheResponseAsync();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= count;
        }

        Assert.Equal(0, unobserved);
    }

    // A method of its own, so that nothing references the tasks afterwards.
    private static async Task CancelBeforeTheResponseAsync()
    {
        var late = new TaskCompletionSource<HttpResponseMessage>();
        var sending = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Sending((_, _) =>
        {
            sending.SetResult();
            return late.Task;
        });
        var call = client.InvokeWithResponseStreamAsync(Request, cancelling.Token);
        await sending.Task.WaitAsync(TooLong, Ct);
        await cancelling.CancelAsync();
        await Assert.ThrowsAsync<InvocationCanceledException>(() => call.WaitAsync(TooLong, Ct));

        var isDisposed = false;
        late.SetResult(StubbedClient.CreateResponse(new WatchedStream([])
        {
            Disposed = () =>
            {
                isDisposed = true;
                Throw();
            },
        }));
        Assert.True(isDisposed);
    }

    private static async Task<T> WaitForeverAsync<T>(TaskCompletionSource started, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister(static _ => Throw(), null);
        started.TrySetResult();
        await Task.Delay(Timeout.InfiniteTimeSpan, Ct);
        throw new InvalidOperationException("Not reached.");
    }

    private static void Throw() => throw new DisposalException();

    private sealed class DisposalException : Exception;
}
