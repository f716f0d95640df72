using System.Collections.Concurrent;
using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Polly;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests;

/// <summary>What a sceptical reader of the core tried to break.</summary>
public sealed class ReviewTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static byte[] Whole(params byte[][] messages) => [.. messages.SelectMany(message => message)];

    [Fact]
    public async Task Events_ChunkBufferedBehindInvokeComplete_IsIgnored()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(Whole(Messages.Chunk("a"), Messages.Complete(), Messages.Chunk("b"))));
        var kinds = new List<ResponseStreamEventKind>();

        await foreach (var one in response) kinds.Add(one.Kind);

        Assert.Equal([ResponseStreamEventKind.PayloadChunk, ResponseStreamEventKind.InvokeComplete], kinds);
    }

    [Fact]
    public async Task AsStream_CopyThatTheDestinationFailed_CannotBeTakenForTheEnd()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(Whole(Messages.Chunk("a"), Messages.Chunk("b"), Messages.Complete())));
        await using var stream = response.AsStream();
        await Assert.ThrowsAsync<NotSupportedException>(() => stream.CopyToAsync(new MemoryStream([]), Ct));

        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.CopyToAsync(new MemoryStream(), Ct));
    }

    [Fact]
    public async Task MoveNextAsync_AfterDisposeAsyncBeforeTheEnd_DoesNotLookLikeTheEnd()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(Whole(Messages.Chunk("a"), Messages.Chunk("b"), Messages.Complete())));
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        await chunks.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
    }

    [Fact]
    public async Task IdleTimeout_TimerFiresALittleEarly_StillHolds()
    {
        // As the platform's does: its timers count whole milliseconds, its timestamps nanoseconds.
        var clock = new ManualClock();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        options.IdleTimeout = TimeSpan.FromSeconds(10);
        using var client = StubbedClient.Streaming(new WireStream(_ => new ValueTask<int>(new TaskCompletionSource<int>().Task)), options);
        await using var response = await Invoke(client, Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        var move = chunks.MoveNextAsync().AsTask();

        clock.Now = TimeSpan.FromMilliseconds(9_999.5);
        clock.Fire();
        clock.Now = TimeSpan.FromMilliseconds(10_001);
        clock.FireIfDue();

        await Assert.ThrowsAsync<ResponseStreamIdleException>(() => move.WaitAsync(Soon, Ct));
    }

    [Fact]
    public async Task IdleTimeout_TimerOfTheLastWaitFiresAsTheNextReadBegins_DoesNotEndIt()
    {
        var clock = new ManualClock();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        options.IdleTimeout = TimeSpan.FromSeconds(10);
        var first = new TaskCompletionSource<int>();
        Memory<byte> buffer = default;
        var reads = 0;
        using var client = StubbedClient.Streaming(
            new WireStream(memory =>
            {
                if (memory.IsEmpty) return new ValueTask<int>(0);
                switch (++reads)
                {
                    case 1:
                        buffer = memory;
                        return new ValueTask<int>(first.Task);
                    case 2:
                        // The callback was queued when the bytes came, and runs only now: the consumer took its time.
                        clock.Now = TimeSpan.FromSeconds(20);
                        clock.Fire();
                        Messages.Complete().CopyTo(memory);
                        return new ValueTask<int>(Messages.Complete().Length);
                    default:
                        return new ValueTask<int>(0);
                }
            }),
            options);
        await using var response = await Invoke(client, Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        var move = chunks.MoveNextAsync().AsTask();
        Messages.Chunk("a").CopyTo(buffer);
        first.SetResult(Messages.Chunk("a").Length);
        Assert.True(await move);

        Assert.False(await chunks.MoveNextAsync());
    }

    [Fact]
    public void AsStream_DisposedSynchronously_LeavesNothingOnALongLivedToken()
    {
        using var app = new CancellationTokenSource();

        var wire = ReadSomeAndDispose(app.Token);

        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(wire.IsAlive);
        GC.KeepAlive(app);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference ReadSomeAndDispose(CancellationToken appToken)
    {
        var wire = new MemoryStream(Whole(Messages.Chunk("abc"), Messages.Chunk("b"), Messages.Complete()));
        using var client = StubbedClient.Streaming(wire);
        Task.Run(
            async () =>
            {
                using var response = await Invoke(client, appToken);
                using var stream = response.AsStream();
                await stream.ReadExactlyAsync(new byte[1], CancellationToken.None);
            },
            CancellationToken.None).GetAwaiter().GetResult();
        return new WeakReference(wire);
    }

    [Fact]
    public async Task FunctionMayHaveRun_EarlierAttemptMayHaveRunAndTheLastWasNeverSent_IsTrue()
    {
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                if (++sends > 1) throw new HttpRequestException(HttpRequestError.ConnectionError, "refused");
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("reset");
            },
            options => options.Retry = new LambdaRetryOptions { Policy = ResendPolicy.AtLeastOnce, MaxAttempts = 2, BaseDelay = TimeSpan.FromMilliseconds(1) });

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => Invoke(client, Ct));

        Assert.Equal((2, true, false), (exception.Attempts, exception.FunctionMayHaveRun, exception.IsSafeToResend));
        Assert.DoesNotContain("did not run", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FunctionMayHaveRun_EarlierAttemptMayHaveRunAndTheLastWasThrottled_IsTrue()
    {
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return ++sends > 1 ? StubbedClient.Answer(Stream.Null, HttpStatusCode.TooManyRequests, ("x-amzn-ErrorType", "TooManyRequestsException")) : throw new HttpRequestException("reset");
            },
            options => options.Retry = new LambdaRetryOptions { Policy = ResendPolicy.AtLeastOnce, MaxAttempts = 2, BaseDelay = TimeSpan.FromMilliseconds(1) });

        var exception = await Assert.ThrowsAsync<TooManyRequestsException>(() => Invoke(client, Ct));

        Assert.Equal((2, true, false), (exception.Attempts, exception.FunctionMayHaveRun, exception.IsSafeToResend));
    }

    [Fact]
    public async Task FunctionMayHaveRun_EarlierAttemptMayHaveRunAndThenTheCredentialsFail_IsTrue()
    {
        using var client = Client(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("reset");
            },
            options =>
            {
                options.Credentials = new OnceCredentials();
                options.Retry = new LambdaRetryOptions { Policy = ResendPolicy.AtLeastOnce, MaxAttempts = 2, BaseDelay = TimeSpan.FromMilliseconds(1) };
            });

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => Invoke(client, Ct));

        Assert.Equal((1, true), (exception.Attempts, exception.FunctionMayHaveRun));
    }

    [Fact]
    public async Task Cancelled_WhileAResendIsConnecting_DoesNotSayThatNothingWasSent()
    {
        using var cancelling = new CancellationTokenSource();
        var sends = 0;
        using var client = Client(
            async (request, cancellationToken) =>
            {
                if (++sends > 1)
                {
                    await cancelling.CancelAsync();
                    cancellationToken.ThrowIfCancellationRequested();
                }

                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("reset");
            },
            options => options.Retry = new LambdaRetryOptions { Policy = ResendPolicy.AtLeastOnce, BaseDelay = TimeSpan.FromMilliseconds(1) });

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Invoke(client, cancelling.Token));

        Assert.DoesNotContain("Nothing was sent", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClockSkew_TwoCallsAtOnceWithAWrongClock_BothAreSentAgain()
    {
        var both = new TaskCompletionSource();
        var sends = 0;
        var serviceClock = DateTimeOffset.UtcNow.AddHours(3);
        using var client = Client(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                var number = Interlocked.Increment(ref sends);
                if (number == 2) both.SetResult();
                if (number > 2) return StubbedClient.Answer(new MemoryStream(Messages.Complete()));
                await both.Task.WaitAsync(cancellationToken);
                return StubbedClient.Answer(Stream.Null, HttpStatusCode.Forbidden, ("x-amzn-ErrorType", "InvalidSignatureException"), ("Date", serviceClock.ToString("R")));
            },
            options => options.Retry = new LambdaRetryOptions { BaseDelay = TimeSpan.FromMilliseconds(1) });

        var responses = await Task.WhenAll(Invoke(client, Ct), Invoke(client, Ct));

        foreach (var response in responses) await response.DisposeAsync();
        Assert.Equal(4, sends);
    }

    [Fact]
    public async Task ClockSkew_DateAtTheEndOfTime_BreaksNothing()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var client = Client(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return StubbedClient.Answer(Stream.Null, HttpStatusCode.NotFound, ("x-amzn-ErrorType", "ResourceNotFoundException"), ("Date", "Fri, 31 Dec 9999 23:59:59 GMT"));
            },
            options => options.TimeProvider = clock);
        await Assert.ThrowsAsync<ResourceNotFoundException>(() => Invoke(client, Ct));
        clock.Advance(TimeSpan.FromMinutes(1));

        await Assert.ThrowsAsync<ResourceNotFoundException>(() => Invoke(client, Ct));
    }

    [Fact]
    public async Task SendAsync_HandlerThrowsATypeOfItsOwn_IsATransportException()
    {
        // As Polly's TimeoutRejectedException and BrokenCircuitException, from a resilience handler that the app puts on all clients.
        using var client = Client(async (request, cancellationToken) =>
        {
            await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
            throw new TimeoutException("The handler's own limit.");
        });

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => Invoke(client, Ct));

        Assert.True(exception.FunctionMayHaveRun);
        Assert.IsType<TimeoutException>(exception.InnerException);
    }

    [Fact]
    public async Task BeginAsync_ContentCannotBeOpened_IsAStreamException()
    {
        using var client = StubbedClient.Create(_ => new HttpResponseMessage { Content = new UnreadableContent() });

        var exception = await Assert.ThrowsAnyAsync<LambdaStreamingException>(() => Invoke(client, Ct));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(ObjectDisposedException))]
    [InlineData(typeof(InvalidDataException))]
    public async Task MoveNextAsync_ConnectionThrowsAForeignType_IsTruncated(Type type)
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new WireStream(_ => throw (Exception)Activator.CreateInstance(type, "x")!));

        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(async () =>
        {
            await foreach (var _ in response.ReadChunksAsync(Ct)) { }
        });
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(InvalidDataException))]
    public async Task MoveNextAsync_ConnectionThrowsAForeignTypeAfterInvokeComplete_TheAnswerWasWhole(Type type)
    {
        var reads = 0;
        await using var response = InvokeWithResponseStreamResponse.Create(new WireStream(memory =>
        {
            if (memory.IsEmpty) return new ValueTask<int>(0);
            if (reads++ > 0) throw (Exception)Activator.CreateInstance(type, "x")!;
            Messages.Complete().CopyTo(memory);
            return new ValueTask<int>(Messages.Complete().Length);
        }));

        await foreach (var _ in response.ReadChunksAsync(Ct)) { }

        Assert.NotNull(response.InvokeComplete);
    }

    [Fact]
    public async Task ExpectContinueOfTheCallersHttpClient_EmptyPayloadAndTheConnectionBreaks_IsSentOnce()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        using var http = new HttpClient();
        http.DefaultRequestHeaders.ExpectContinue = true;
        var options = StubbedClient.Options();
        options.ServiceUrl = server.Url;
        using var client = new LambdaStreamingClient(options, http);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f"), Ct));

        Assert.Equal((1, true), (server.WholeRequests, exception.FunctionMayHaveRun));
    }

    [Fact]
    public void ConnectTimeout_LongerThanThePlatformTakes_IsTaken()
    {
        var options = StubbedClient.Options();
        options.ConnectTimeout = TimeSpan.FromDays(30);

        using var client = new LambdaStreamingClient(options);
    }

    [Fact]
    public async Task Dispose_OfTheClient_LeavesARunningAnswerToItsReader()
    {
        var disposed = new TaskCompletionSource();
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            var wire = Whole(Messages.Chunk("a"), Messages.Complete());
            await connection.WriteAsync($"HTTP/1.1 200 OK\r\nContent-Length: {wire.Length}\r\n\r\n");
            await connection.WriteAsync(Messages.Chunk("a"));
            await disposed.Task;
            await connection.WriteAsync(Messages.Complete());
        });
        var client = server.CreateClient();
        await using var response = await Invoke(client, Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();

        client.Dispose();
        disposed.SetResult();

        Assert.False(await chunks.MoveNextAsync());
    }

    [Fact]
    public async Task DisposeAsync_FromAnotherThreadWhileAMoveIsAtWork_GivesNoBufferBackUnderIt()
    {
        var logger = new HookLogger();
        var options = StubbedClient.Options();
        options.LoggerFactory = logger;
        var unknown = Messages.Of([(":message-type", "event"), (":event-type", "Novelty")], "x"u8);
        using var client = StubbedClient.Streaming(new MemoryStream(Whole(Messages.Chunk("a"), unknown, Messages.Chunk("b"), Messages.Chunk("c"), Messages.Complete())), options);
        await using var response = await Invoke(client, Ct);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        logger.OnUnknownEvent = () => Task.Run(async () => await chunks.DisposeAsync()).Wait(Ct);

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
    }

    private static Task<InvokeWithResponseStreamResponse> Invoke(LambdaStreamingClient client, CancellationToken cancellationToken) =>
        client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", "{}"), cancellationToken);

    private static LambdaStreamingClient Client(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send, Action<LambdaStreamingClientOptions>? configure = null)
    {
        var options = StubbedClient.Options();
        configure?.Invoke(options);
        return new LambdaStreamingClient(options, new HttpClient(new FuncHandler(send)));
    }

    private sealed class FuncHandler(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => await send(request, cancellationToken);
    }

    private sealed class UnreadableContent : HttpContent
    {
        protected override Task<Stream> CreateContentReadStreamAsync() => throw new InvalidDataException("no");

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new NotSupportedException();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    private sealed class OnceCredentials : AWSCredentials
    {
        private int _calls;

        public override ImmutableCredentials GetCredentials() => _calls++ == 0 ? new ImmutableCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI", null) : throw new AmazonClientException("The keys have gone.");
    }

    private sealed class WireStream(Func<Memory<byte>, ValueTask<int>> read) : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var task = read(buffer);
            return task.IsCompleted ? task : new ValueTask<int>(task.AsTask().WaitAsync(cancellationToken));
        }
    }

    /// <summary>A clock whose timers fire when the test says so.</summary>
    private sealed class ManualClock : TimeProvider
    {
        private readonly ConcurrentBag<ManualTimer> _timers = [];

        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new ManualTimer(this, callback, state);
            timer.Change(dueTime, period);
            _timers.Add(timer);
            return timer;
        }

        /// <summary>Fires what is due within a millisecond, or was until it was stopped too late.</summary>
        public void Fire()
        {
            foreach (var timer in _timers) timer.Fire(TimeSpan.FromMilliseconds(1), evenIfStopped: true);
        }

        public void FireIfDue()
        {
            foreach (var timer in _timers) timer.Fire(TimeSpan.Zero, evenIfStopped: false);
        }

        private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
        {
            private TimeSpan? _due;
            private TimeSpan _lastDue = TimeSpan.MaxValue;

            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                _due = dueTime == Timeout.InfiniteTimeSpan ? null : clock.Now + dueTime;
                if (_due is { } due) _lastDue = due;
                return true;
            }

            public void Fire(TimeSpan early, bool evenIfStopped)
            {
                if ((evenIfStopped ? _lastDue : _due) is not { } due || due - early > clock.Now) return;
                _due = null;
                callback(state);
            }

            public void Dispose() => _due = null;

            public ValueTask DisposeAsync()
            {
                Dispose();
                return default;
            }
        }
    }

    private sealed class HookLogger : ILoggerFactory, ILogger
    {
        public Action? OnUnknownEvent { get; set; }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).Contains("Novelty", StringComparison.Ordinal)) OnUnknownEvent?.Invoke();
        }

        public void Dispose()
        {
        }
    }
}
