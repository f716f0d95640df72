using System.Net;
using LambdaStreaming.Tests.EventStream;
using Polly;
using Polly.Retry;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>
/// <see cref="LambdaStreamingException.FunctionMayHaveRun"/> is never false if any attempt of the call might have run.
/// This holds for any resilience pipeline of a user.
/// </summary>
public sealed class FunctionMayHaveRunTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(InvocationType.RequestResponse, true)]
    [InlineData(InvocationType.DryRun, false)]
    public async Task FunctionMayHaveRun_PipelineDropsASuccessAndRetries_CountsTheSuccess(
        InvocationType type,
        bool expected)
    {
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                if (++sends > 1) throw CreateRefusal();
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return StubbedClient.CreateResponse(
                    new MemoryStream(Messages.Complete()),
                    type == InvocationType.DryRun ? HttpStatusCode.NoContent : HttpStatusCode.OK);
            },
            builder => builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = 1,
                Delay = TimeSpan.Zero,
                ShouldHandle = arguments => new ValueTask<bool>(arguments.Outcome.Exception is null),
            }));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client, type));

        Assert.Equal((2, expected), (exception.Attempts, exception.FunctionMayHaveRun));
    }

    [Theory]
    [InlineData(InvocationType.RequestResponse, true)]
    [InlineData(InvocationType.DryRun, false)]
    public async Task FunctionMayHaveRun_TwoConcurrentAttempts_CountsTheOneStillRunning(
        InvocationType type,
        bool expected)
    {
        var sent = new TaskCompletionSource();
        var mayEnd = new TaskCompletionSource();
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                if (Interlocked.Increment(ref sends) == 1)
                {
                    await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                    sent.SetResult();
                    await mayEnd.Task;
                }

                await sent.Task;
                throw CreateRefusal();
            },
            builder => builder.AddStrategy(_ => new ConcurrentStrategy(), new ConcurrentOptions()));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client, type));
        mayEnd.SetResult();

        Assert.Equal(expected, exception.FunctionMayHaveRun);
        Assert.Equal(!expected, exception.IsSafeToRetry);
    }

    // The exception is created before the other attempt is sent, and thrown after that.
    [Fact]
    public async Task FunctionMayHaveRun_OtherAttemptIsSentAfterTheFailure_IsTrue()
    {
        var failed = new TaskCompletionSource();
        var sent = new TaskCompletionSource();
        var mayEnd = new TaskCompletionSource();
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                if (Interlocked.Increment(ref sends) > 1) throw CreateRefusal();
                await failed.Task;
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                sent.SetResult();
                await mayEnd.Task;
                throw new HttpRequestException("reset");
            },
            builder => builder.AddStrategy(_ => new ConcurrentStrategy(failed, sent.Task), new ConcurrentOptions()));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));
        mayEnd.SetResult();

        Assert.True(exception.FunctionMayHaveRun);
        Assert.False(exception.IsSafeToRetry);
    }

    [Fact]
    public async Task FunctionMayHaveRun_CallFailedAsNotRun_LateAttemptCannotSend()
    {
        var ended = new TaskCompletionSource();
        var late = new TaskCompletionSource<Exception?>();
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                if (Interlocked.Increment(ref sends) > 1) throw CreateRefusal();
                await ended.Task;
                var content = request.Content!;
                late.SetResult(await Record.ExceptionAsync(() => content.CopyToAsync(Stream.Null)));
                throw new HttpRequestException("late");
            },
            builder => builder.AddStrategy(_ => new ConcurrentStrategy(), new ConcurrentOptions()));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));
        ended.SetResult();

        Assert.False(exception.FunctionMayHaveRun);
        Assert.NotNull(await late.Task.WaitAsync(LocalService.TooLong, Ct));
    }

    [Fact]
    public async Task FunctionMayHaveRun_EarlierAttemptWasThrottled_IsFalse()
    {
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                if (++sends > 1) throw CreateRefusal();
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return StubbedClient.CreateResponse(Stream.Null, HttpStatusCode.TooManyRequests);
            },
            builder => builder.AddRetry(new RetryStrategyOptions { MaxRetryAttempts = 1, Delay = TimeSpan.Zero }));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));

        Assert.Equal((2, false), (exception.Attempts, exception.FunctionMayHaveRun));
    }

    private static HttpRequestException CreateRefusal() => new(HttpRequestError.ConnectionError, "refused");

    private static LambdaStreamingClient Client(
        Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send,
        Action<ResiliencePipelineBuilder> configure)
    {
        var builder = new ResiliencePipelineBuilder();
        configure(builder);
        return StubbedClient.Sending(send, options => options.ResiliencePipeline = builder.Build());
    }

    private static Task<InvokeWithResponseStreamResponse> InvokeAsync(
        LambdaStreamingClient client,
        InvocationType type = InvocationType.RequestResponse) =>
        client.InvokeWithResponseStreamAsync(
            InvokeWithResponseStreamRequest.FromJson("f", "{}") with { InvocationType = type },
            Ct);

    private sealed class ConcurrentOptions : ResilienceStrategyOptions;

    /// <summary>Makes two concurrent attempts and returns the result of the second. The first one continues.</summary>
    private sealed class ConcurrentStrategy(TaskCompletionSource? failed = null, Task? throwAfter = null)
        : ResilienceStrategy
    {
        protected override async ValueTask<Outcome<TResult>> ExecuteCore<TResult, TState>(
            Func<ResilienceContext, TState, ValueTask<Outcome<TResult>>> callback,
            ResilienceContext context,
            TState state)
        {
            _ = callback(context, state).AsTask();
            var outcome = await callback(context, state);
            failed?.SetResult();
            if (throwAfter is not null) await throwAfter;
            return outcome;
        }
    }
}
