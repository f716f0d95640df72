using System.IO.Pipelines;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests;

/// <summary>No await of the library comes back to the caller's context: else whoever blocks on a call in a window's thread would wait for itself.</summary>
public class NoContextTests
{
    private static readonly Dictionary<string, (string Payload, Func<InvokeWithResponseStreamResponse, IAsyncEnumerable<object?>> Read)> Readers = new(StringComparer.Ordinal)
    {
        ["events"] = ("abc", response => Moves(response.GetAsyncEnumerator)),
        ["chunks"] = ("abc", response => Moves(response.ReadChunksAsync().GetAsyncEnumerator)),
        ["owned chunks"] = ("abc", response => Moves(response.ReadOwnedChunksAsync().GetAsyncEnumerator)),
        ["text"] = ("abc", response => Moves(response.ReadTextAsync().GetAsyncEnumerator)),
        ["lines"] = ("a\nb", response => Moves(response.ReadLinesAsync().GetAsyncEnumerator)),
        ["JSON"] = ("1 2", response => Moves(response.ReadJsonAsync(Payload.TestJson.Default.Int32).GetAsyncEnumerator)),
        ["events of the server"] = ("data: 1\n\ndata: 2\n\n", response => Moves(response.ReadServerSentEventsAsync().GetAsyncEnumerator)),
        ["events of JSON"] = ("data: 1\n\ndata: 2\n\n", response => Moves(response.ReadServerSentEventsAsync(Payload.TestJson.Default.Int32).GetAsyncEnumerator)),
        ["bytes"] = ("abc", response => Call(() => response.ReadAsByteArrayAsync())),
        ["string"] = ("abc", response => Call(() => response.ReadAsStringAsync())),
        ["one JSON value"] = ("123", response => Call(() => response.ReadFromJsonAsync(Payload.TestJson.Default.Int32))),
        ["HTTP"] = ("{}\0\0\0\0\0\0\0\0abc", response => Call(() => response.ReadHttpIntegrationResponseAsync())),
        ["no HTTP"] = ("abc", response => Call(() => response.ReadHttpIntegrationResponseAsync())),
        ["copy to a stream"] = ("abc", response => Call(() => response.CopyToAsync(new MemoryStream()))),
        ["copy to a pipe"] = ("abc", response => Call(() => response.CopyToAsync(new Pipe().Writer))),
        ["HTTP that is wrong"] = ("{\"statusCode\":[]}\0\0\0\0\0\0\0\0", response => FailingCall(() => response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always }))),
        ["copy to a stream that waits"] = ("abc", response => Call(() => response.CopyToAsync(new SlowDestination()))),
        ["copy to a pipe that waits"] = ("abc", response => Call(() => response.CopyToAsync(PipeWriter.Create(new SlowDestination())))),
        ["stream"] = ("abc", response => StreamReads(response, toTheEnd: true)),
        ["stream that is left"] = ("abc", response => StreamReads(response, toTheEnd: false)),
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

        await EachReadWaitsAsync(payload, async wire =>
        {
            await using var response = InvokeWithResponseStreamResponse.Create(wire);
            await foreach (var _ in read(response))
            {
            }

            await Under(response.DisposeAsync);
        });
    }

    [Theory, MemberData(nameof(NamesOfCalls))]
    public async Task Call_OneReadWaits_NothingIsPostedToTheCallersContext(string reader)
    {
        var (payload, read) = Calls[reader];

        await EachReadWaitsAsync(payload, async wire =>
        {
            using var client = StubbedClient.Streaming(wire);
            await foreach (var _ in read(client))
            {
            }
        });
    }

    private static async Task EachReadWaitsAsync(string payload, Func<WaitingStream, Task> read)
    {
        var waited = 0;
        for (var waitingRead = 1; waited == waitingRead - 1; waitingRead++)
        {
            // Only the first wait under the context says anything: what comes after it runs without one. So each read has its turn.
            var wire = new WaitingStream([Messages.Chunk(payload[..1]), Messages.Chunk(payload[1..]), Messages.Complete()], waitingRead);
            await read(wire);
            if (wire.HasWaited) waited++;
        }

        Assert.InRange(waited, 2, 20);
    }

    [Fact]
    public async Task Read_FunctionFailedAndTheEndWaits_NothingIsPostedToTheCallersContext()
    {
        // The reads: without a buffer, the message, without a buffer, the end.
        for (var waitingRead = 1; waitingRead <= 4; waitingRead++)
        {
            var wire = new WaitingStream([Messages.Complete("""{"ErrorCode":"Unhandled"}""")], waitingRead);
            await using var response = InvokeWithResponseStreamResponse.Create(wire);
            var chunks = response.ReadChunksAsync().GetAsyncEnumerator();

            await Assert.ThrowsAsync<FunctionErrorException>(() => Under(() => chunks.MoveNextAsync().AsTask()));
            Assert.True(wire.HasWaited);
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

        var body = new WaitingStream(["{}"u8.ToArray()], 1);
        head = new(TaskCreationOptions.RunContinuationsAsynchronously);
        head.SetResult(StubbedClient.Answer(body, System.Net.HttpStatusCode.NotFound, ("x-amzn-ErrorType", "ResourceNotFoundException")));
        await Assert.ThrowsAsync<ResourceNotFoundException>(() => Under(() => client.InvokeWithResponseStreamAsync(new("f"), CancellationToken.None)));
        Assert.True(body.HasWaited);
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
        WaitingStream.Hold();
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
        WaitingStream.Release();
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

    private sealed class SlowDestination : MemoryStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await Task.Run(() => { }, cancellationToken).ConfigureAwait(false);

        public override async Task FlushAsync(CancellationToken cancellationToken) => await Task.Run(() => { }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives its pieces at once, but for one read that waits until it is released.</summary>
    private sealed class WaitingStream(byte[][] pieces, int waitingRead) : MemoryStream
    {
        private static volatile bool _isHeld;
        private static TaskCompletionSource? _waiting;
        private int _piece;
        private int _reads;

        public bool HasWaited { get; private set; }

        public static void Hold() => _isHeld = true;

        public static void Release()
        {
            _isHeld = false;
            Interlocked.Exchange(ref _waiting, null)?.SetResult();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (++_reads != waitingRead) return new ValueTask<int>(Take(buffer));
            HasWaited = true;
            var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Interlocked.Exchange(ref _waiting, waiting);

            // Begun on another thread, after the call had returned.
            if (!_isHeld) Release();
            return new ValueTask<int>(TakeLaterAsync(waiting.Task, buffer));
        }

        private async Task<int> TakeLaterAsync(Task waiting, Memory<byte> buffer)
        {
            await waiting.ConfigureAwait(false);
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
