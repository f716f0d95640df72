using System.Net;
using LambdaStreaming.Tests.EventStream;
using Polly;
using Polly.Retry;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>
/// <see cref="LambdaStreamingException.FunctionMayHaveRun"/> is never false if any attempt of the call may have run,
/// whatever the resilience pipeline of a user does with its attempts.
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
                if (++sends > 1) throw Refused();
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return StubbedClient.Answer(
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
    public async Task FunctionMayHaveRun_TwoAttemptsAtOnce_CountsTheOneThatStillRuns(InvocationType type, bool expected)
    {
        var sent = new TaskCompletionSource();
        var over = new TaskCompletionSource();
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                if (Interlocked.Increment(ref sends) == 1)
                {
                    await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                    sent.SetResult();
                    await over.Task;
                }

                await sent.Task;
                throw Refused();
            },
            builder => builder.AddStrategy(_ => new AtOnceStrategy(), new AtOnceOptions()));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client, type));
        over.SetResult();

        Assert.Equal(expected, exception.FunctionMayHaveRun);
        Assert.Equal(!expected, exception.IsSafeToRetry);
    }

    // The exception is created before the other attempt is sent, and thrown after that.
    [Fact]
    public async Task FunctionMayHaveRun_OtherAttemptIsSentAfterTheFailure_IsTrue()
    {
        var failed = new TaskCompletionSource();
        var sent = new TaskCompletionSource();
        var over = new TaskCompletionSource();
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                if (Interlocked.Increment(ref sends) > 1) throw Refused();
                await failed.Task;
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                sent.SetResult();
                await over.Task;
                throw new HttpRequestException("reset");
            },
            builder => builder.AddStrategy(_ => new AtOnceStrategy(failed, sent.Task), new AtOnceOptions()));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));
        over.SetResult();

        Assert.True(exception.FunctionMayHaveRun);
        Assert.False(exception.IsSafeToRetry);
    }

    [Fact]
    public async Task FunctionMayHaveRun_CallEndedAsNotRun_NoAttemptCanSendAnyMore()
    {
        var ended = new TaskCompletionSource();
        var late = new TaskCompletionSource<Exception?>();
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                if (Interlocked.Increment(ref sends) > 1) throw Refused();
                await ended.Task;
                var content = request.Content!;
                late.SetResult(await Record.ExceptionAsync(() => content.CopyToAsync(Stream.Null)));
                throw new HttpRequestException("late");
            },
            builder => builder.AddStrategy(_ => new AtOnceStrategy(), new AtOnceOptions()));

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
                if (++sends > 1) throw Refused();
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return StubbedClient.Answer(Stream.Null, HttpStatusCode.TooManyRequests);
            },
            builder => builder.AddRetry(new RetryStrategyOptions { MaxRetryAttempts = 1, Delay = TimeSpan.Zero }));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));

        Assert.Equal((2, false), (exception.Attempts, exception.FunctionMayHaveRun));
    }

    private static HttpRequestException Refused() => new(HttpRequestError.ConnectionError, "refused");

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

    private sealed class AtOnceOptions : ResilienceStrategyOptions;

    /// <summary>Makes two attempts at once and ends as the second one does, while the first one runs on.</summary>
    private sealed class AtOnceStrategy(TaskCompletionSource? failed = null, Task? throwAfter = null)
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
