using System.IO.Pipelines;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests;

/// <summary>No await of the library comes back to the caller's context: else whoever blocks on a call in a window's thread would wait for itself.</summary>
public class NoContextTests
{
    private static readonly Dictionary<string, (string Payload, Func<InvokeWithResponseStreamResponse, Waits, IAsyncEnumerable<object?>> Read)> Readers = new(StringComparer.Ordinal)
    {
        ["events"] = ("abc", (response, _) => Moves(response.GetAsyncEnumerator)),
        ["chunks"] = ("abc", (response, _) => Moves(response.ReadChunksAsync().GetAsyncEnumerator)),
        ["owned chunks"] = ("abc", (response, _) => Moves(response.ReadOwnedChunksAsync().GetAsyncEnumerator)),
        ["text"] = ("abc", (response, _) => Moves(response.ReadTextAsync().GetAsyncEnumerator)),
        ["lines"] = ("a\nb", (response, _) => Moves(response.ReadLinesAsync().GetAsyncEnumerator)),
        ["JSON"] = ("1 2", (response, _) => Moves(response.ReadJsonAsync(Payload.TestJson.Default.Int32).GetAsyncEnumerator)),
        ["events of the server"] = ("data: 1\n\ndata: 2\n\n", (response, _) => Moves(response.ReadServerSentEventsAsync().GetAsyncEnumerator)),
        ["events of JSON"] = ("data: 1\n\ndata: 2\n\n", (response, _) => Moves(response.ReadServerSentEventsAsync(Payload.TestJson.Default.Int32).GetAsyncEnumerator)),
        ["bytes"] = ("abc", (response, _) => Call(() => response.ReadAsByteArrayAsync())),
        ["string"] = ("abc", (response, _) => Call(() => response.ReadAsStringAsync())),
        ["one JSON value"] = ("123", (response, _) => Call(() => response.ReadFromJsonAsync(Payload.TestJson.Default.Int32))),
        ["HTTP"] = ("{}\0\0\0\0\0\0\0\0abc", (response, _) => Call(() => response.ReadHttpIntegrationResponseAsync())),
        ["no HTTP"] = ("abc", (response, _) => Call(() => response.ReadHttpIntegrationResponseAsync())),
        ["copy to a stream"] = ("abc", (response, _) => Call(() => response.CopyToAsync(new MemoryStream()))),
        ["copy to a pipe"] = ("abc", (response, _) => Call(() => response.CopyToAsync(new Pipe().Writer))),
        ["HTTP that is wrong"] = ("{\"statusCode\":[]}\0\0\0\0\0\0\0\0", (response, _) => FailingCall(() => response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always }))),
        ["copy to a stream that waits"] = ("abc", (response, waits) => Call(() => response.CopyToAsync(new WaitingDestination(waits)))),
        ["copy to a pipe that waits"] = ("abc", (response, waits) => Call(() => response.CopyToAsync(new WaitingPipe(waits)))),
        ["stream"] = ("abc", (response, _) => StreamReads(response, toTheEnd: true)),
        ["stream that is left"] = ("abc", (response, _) => StreamReads(response, toTheEnd: false)),
    };

    private static readonly Dictionary<string, (string Payload, Func<ILambdaStreamingClient, IAsyncEnumerable<object?>> Read)> Calls = new(StringComparer.Ordinal)
    {
        ["text"] = ("abc", client => Moves(client.InvokeTextAsync("f", "{}").GetAsyncEnumerator)),
        ["lines"] = ("a\nb", client => Moves(client.InvokeLinesAsync("f", "{}").GetAsyncEnumerator)),
        ["JSON"] = ("1 2", client => Moves(client.InvokeJsonAsync("f", "{}", Payload.TestJson.Default.Int32).GetAsyncEnumerator)),
        ["events of the server"] = ("data: 1\n\ndata: 2\n\n", client => Moves(client.InvokeServerSentEventsAsync("f", "{}").GetAsyncEnumerator)),
    };

    private static readonly CountingContext Context = new();

    public static IEnumerable<TheoryDataRow<string>> NamesOfCalls => Calls.Keys.Select(name => new TheoryDataRow<string>(name));

    public static IEnumerable<TheoryDataRow<string>> Names => Readers.Keys.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Names))]
    public async Task Read_OneReadWaits_NothingIsPostedToTheCallersContext(string reader)
    {
        var (payload, read) = Readers[reader];

        await EachWaitHasItsTurnAsync(payload, async (wire, waits) =>
        {
            await using var response = InvokeWithResponseStreamResponse.Create(wire);
            await foreach (var _ in read(response, waits))
            {
            }

            await Under(response.DisposeAsync);
        });
    }

    [Theory, MemberData(nameof(NamesOfCalls))]
    public async Task Call_OneReadWaits_NothingIsPostedToTheCallersContext(string reader)
    {
        var (payload, read) = Calls[reader];

        await EachWaitHasItsTurnAsync(payload, async (wire, waits) =>
        {
            using var client = StubbedClient.Streaming(wire);
            await foreach (var _ in read(client))
            {
            }
        });
    }

    private static async Task EachWaitHasItsTurnAsync(string payload, Func<WaitingStream, Waits, Task> read)
    {
        // Only the first wait under the context says anything: what comes after it runs without one. Where two things are begun before either is awaited, both wait.
        foreach (var andAllAfter in (bool[])[false, true])
        {
            var waited = 0;
            for (var first = 1; waited == first - 1; first++)
            {
                var waits = new Waits(first, andAllAfter);
                await read(new WaitingStream([Messages.Chunk(payload[..1]), Messages.Chunk(payload[1..]), Messages.Complete()], waits), waits);
                if (waits.HasWaited) waited++;
            }

            Assert.InRange(waited, 2, 20);
        }
    }

    [Fact]
    public async Task Read_FunctionFailedAndTheEndWaits_NothingIsPostedToTheCallersContext()
    {
        // The reads: without a buffer, the message, without a buffer, the end.
        for (var waitingRead = 1; waitingRead <= 4; waitingRead++)
        {
            var waits = new Waits(waitingRead);
            var wire = new WaitingStream([Messages.Complete("""{"ErrorCode":"Unhandled"}""")], waits);
            await using var response = InvokeWithResponseStreamResponse.Create(wire);
            var chunks = response.ReadChunksAsync().GetAsyncEnumerator();

            await Assert.ThrowsAsync<FunctionErrorException>(() => Under(() => chunks.MoveNextAsync().AsTask()));
            Assert.True(waits.HasWaited);
        }
    }

    [Fact]
    public async Task Read_ScriptWaits_NothingIsPostedToTheCallersContext()
    {
        var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var response = InvokeWithResponseStreamResponse.Create(ScriptAsync());
        var chunks = response.ReadChunksAsync().GetAsyncEnumerator();

        for (var i = 0; i < 2; i++)
        {
            var move = Start(() => chunks.MoveNextAsync().AsTask());
            next.SetResult();
            Assert.Equal(i == 0, await Watched(move));
        }

        async IAsyncEnumerable<ReadOnlyMemory<byte>> ScriptAsync()
        {
            await next.Task.ConfigureAwait(false);
            next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            yield return "abc"u8.ToArray();
            await next.Task.ConfigureAwait(false);
        }
    }

    [Fact]
    public async Task Dispose_ScriptWasNotRead_NothingIsPostedToTheCallersContext()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(["abc"]);

        await Under(response.DisposeAsync);
    }

    [Fact]
    public async Task Invoke_HeadAndErrorBodyWait_NothingIsPostedToTheCallersContext()
    {
        var head = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var client = StubbedClient.Sending(async (request, cancellationToken) =>
        {
            await request.Content!.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            return await head.Task.ConfigureAwait(false);
        });
        head.SetResult(StubbedClient.Answer(new MemoryStream([.. Messages.Complete()])));

        // The first call finds the settings, on the thread pool.
        await (await Under(() => client.InvokeWithResponseStreamAsync(new("f"), CancellationToken.None))).DisposeAsync();
        head = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = Start(() => client.InvokeWithResponseStreamAsync(new("f"), CancellationToken.None));
        head.SetResult(StubbedClient.Answer(new MemoryStream([.. Messages.Complete()])));
        await (await Watched(call)).DisposeAsync();

        var waits = new Waits(1);
        var body = new WaitingStream(["{}"u8.ToArray()], waits);
        head = new(TaskCreationOptions.RunContinuationsAsynchronously);
        head.SetResult(StubbedClient.Answer(body, System.Net.HttpStatusCode.NotFound, ("x-amzn-ErrorType", "ResourceNotFoundException")));
        await Assert.ThrowsAsync<ResourceNotFoundException>(() => Under(() => client.InvokeWithResponseStreamAsync(new("f"), CancellationToken.None)));
        Assert.True(waits.HasWaited);
    }

    [Fact]
    public async Task Invoke_CredentialsWait_NothingIsPostedToTheCallersContext()
    {
        var waits = new Waits(2);
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(Messages.Complete())), new LambdaStreamingClientOptions { Region = Amazon.RegionEndpoint.USEast1, Credentials = new WaitingCredentials(waits) });

        // The first call finds the settings, on the thread pool.
        for (var call = 1; call <= 2; call++) await (await Under(() => client.InvokeWithResponseStreamAsync(new("f"), CancellationToken.None))).DisposeAsync();

        Assert.True(waits.HasWaited);
    }

    [Theory, InlineData(200), InlineData(404)]
    public async Task Invoke_OpeningTheBodyWaits_NothingIsPostedToTheCallersContext(int status)
    {
        var waits = new Waits(2);
        using var client = StubbedClient.Create(_ => new HttpResponseMessage((System.Net.HttpStatusCode)status)
        {
            Content = new OpenedContent(async () =>
            {
                await waits.NextAsync().ConfigureAwait(false);
                return new MemoryStream(Messages.Complete());
            }),
        });

        for (var call = 1; call <= 2; call++)
        {
            Func<Task<InvokeWithResponseStreamResponse>> invoke = () => client.InvokeWithResponseStreamAsync(new("f"), CancellationToken.None);
            if (status == 200) await (await Under(invoke)).DisposeAsync();
            else await Assert.ThrowsAnyAsync<LambdaServiceException>(() => Under(invoke));
        }

        Assert.True(waits.HasWaited);
    }

    [Fact]
    public async Task Invoke_ThrottledAndSentAgain_NothingIsPostedToTheCallersContext()
    {
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await Task.Run(() => { }, cancellationToken).ConfigureAwait(false);
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
                return ++sends == 1 ? StubbedClient.Answer(Stream.Null, System.Net.HttpStatusCode.TooManyRequests) : StubbedClient.Answer(new MemoryStream(Messages.Complete()));
            },
            options => options.Retry = new LambdaRetryOptions { ThrottlingBaseDelay = TimeSpan.FromMilliseconds(1) });

        await (await Under(() => client.InvokeWithResponseStreamAsync(new("f"), CancellationToken.None))).DisposeAsync();

        Assert.Equal(2, sends);
    }

    private static async IAsyncEnumerable<object?> Moves<T>(Func<CancellationToken, IAsyncEnumerator<T>> open)
    {
        var elements = open(CancellationToken.None);
        while (await Under(() => elements.MoveNextAsync().AsTask())) yield return null;
        await Under(elements.DisposeAsync);
    }

    private static async IAsyncEnumerable<object?> Call(Func<Task> call)
    {
        await Under(call);
        yield break;
    }

    private static async IAsyncEnumerable<object?> FailingCall(Func<Task> call)
    {
        await Assert.ThrowsAsync<PayloadFormatException>(() => Under(call));
        yield break;
    }

    private static async IAsyncEnumerable<object?> StreamReads(InvokeWithResponseStreamResponse response, bool toTheEnd)
    {
        var stream = response.AsStream();
        var buffer = new byte[1];
        while (await Under(() => stream.ReadAsync(buffer).AsTask()) > 0 && toTheEnd) yield return null;
        await Under(stream.DisposeAsync);
    }

    private static Task Under(Func<ValueTask> call) => Under(() => call().AsTask());

    private static Task Under(Func<Task> call) => Watched(Start(call));

    private static Task<T> Under<T>(Func<Task<T>> call) => Watched(Start(call));

    /// <summary>Calls within the context; what the call waits for comes only when this has returned.</summary>
    private static T Start<T>(Func<T> call)
    {
        var before = SynchronizationContext.Current;
        Waits.Hold();
        SynchronizationContext.SetSynchronizationContext(Context);
        try
        {
            return call();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private static async Task Watched(Task call)
    {
        Waits.Release();
        try
        {
            await call.WaitAsync(LocalService.TooLong).ConfigureAwait(false);
        }
        finally
        {
            Assert.Equal(0, Context.Posts);
        }
    }

    private static async Task<T> Watched<T>(Task<T> call)
    {
        await Watched((Task)call).ConfigureAwait(false);
        return await call.ConfigureAwait(false);
    }

    private sealed class CountingContext : SynchronizationContext
    {
        private int _posts;

        public int Posts => Volatile.Read(ref _posts);

        public override void Post(SendOrPostCallback callback, object? state)
        {
            Interlocked.Increment(ref _posts);
            ThreadPool.QueueUserWorkItem(_ => callback(state));
        }
    }

    /// <summary>Counts what a test's streams are asked for. The <paramref name="first"/> of it is done only once the call under the context has returned; the rest at once, or as late.</summary>
    private sealed class Waits(int first, bool andAllAfter = false)
    {
        private static volatile TaskCompletionSource _released = new();
        private int _count;

        public bool HasWaited { get; private set; }

        public static void Hold() => _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public static void Release() => _released.SetResult();

        public Task NextAsync()
        {
            _count++;
            if (_count != first && !(andAllAfter && _count > first)) return Task.CompletedTask;
            HasWaited = true;
            return _released.Task;
        }
    }

    private sealed class WaitingCredentials(Waits waits) : Amazon.Runtime.AWSCredentials
    {
        public override Amazon.Runtime.ImmutableCredentials GetCredentials()
        {
            waits.NextAsync().Wait(LocalService.TooLong);
            return new Amazon.Runtime.ImmutableCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI", null);
        }
    }

    private sealed class WaitingDestination(Waits waits) : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => new(waits.NextAsync());

        public override Task FlushAsync(CancellationToken cancellationToken) => waits.NextAsync();
    }

    private sealed class WaitingPipe(Waits waits) : PipeWriter
    {
        private readonly byte[] _room = new byte[4096];

        public override void Advance(int bytes)
        {
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => _room;

        public override Span<byte> GetSpan(int sizeHint = 0) => _room;

        public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            await waits.NextAsync().ConfigureAwait(false);
            return default;
        }

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }

    /// <summary>Gives its pieces, each as late as it is told.</summary>
    private sealed class WaitingStream(byte[][] pieces, Waits waits) : MemoryStream
    {
        private int _piece;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await waits.NextAsync().ConfigureAwait(false);
            return Take(buffer);
        }

        private int Take(Memory<byte> buffer)
        {
            if (buffer.IsEmpty || _piece == pieces.Length) return 0;
            pieces[_piece].CopyTo(buffer);
            return pieces[_piece++].Length;
        }
    }
}
