using System.IO.Pipelines;
using LambdaStreaming.Tests.EventStream;
using LambdaStreaming.Tests.Payload;

namespace LambdaStreaming.Tests;

/// <summary>Nothing here comes back to the caller's synchronization context, where a user interface's thread may wait for the answer.</summary>
public class ContextTests
{
    private readonly CountingContext _context = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Readers =>
    [
        "events", "chunks", "owned chunks", "text", "lines", "JSON values", "JSON", "server-sent events", "server-sent JSON", "bytes", "string",
        "copy to a stream", "copy to a pipe", "stream", "stream that is left", "HTTP answer", "HTTP answer that is wrong",
        "text of a call", "lines of a call", "JSON of a call", "server-sent events of a call", "made up", "made up and left",
    ];

    [Theory, MemberData(nameof(Readers))]
    public async Task AnyReader_ReadsThatWait_DoNotPostToTheCallersContext(string reader)
    {
        await ReadAsync(reader);

        Assert.Equal(0, _context.Posts);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_AnyOutcome_DoesNotPostToTheCallersContext()
    {
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await Task.Run(() => { }, cancellationToken).ConfigureAwait(false);
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
                return ++sends == 1
                    ? StubbedClient.Answer(Wire("{}"), System.Net.HttpStatusCode.TooManyRequests)
                    : StubbedClient.Answer(Wire("a"));
            },
            options => options.Retry = new LambdaRetryOptions { ThrottlingBaseDelay = TimeSpan.FromMilliseconds(1) });

        await using var response = await InContext(() => client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", "{}"), Ct));

        Assert.Equal((2, 0), (sends, _context.Posts));
    }

    private async Task ReadAsync(string reader)
    {
        await using var response = InvokeWithResponseStreamResponse.Create(Wire(reader switch
        {
            "JSON values" => "1 2 3",
            "JSON" => "7",
            "server-sent events" => "data: a\n\ndata: b\n\n",
            "server-sent JSON" => "data: 1\n\ndata: 2\n\n",
            "HTTP answer" => "{\"statusCode\":201}\0\0\0\0\0\0\0\0body",
            "HTTP answer that is wrong" => "{\"statusCode\":[]}\0\0\0\0\0\0\0\0",
            _ => "one\ntwo\nthree",
        }));
        switch (reader)
        {
            case "events":
                await All(response);
                break;
            case "chunks":
                await All(response.ReadChunksAsync(Ct));
                break;
            case "owned chunks":
                await All(response.ReadOwnedChunksAsync(Ct));
                break;
            case "text":
                await All(response.ReadTextAsync(Ct));
                break;
            case "lines":
                await All(response.ReadLinesAsync(Ct));
                break;
            case "JSON values":
                await All(response.ReadJsonAsync(TestJson.Default.Int32, Ct));
                break;
            case "JSON":
                await InContext(() => response.ReadFromJsonAsync(TestJson.Default.Int32, Ct));
                break;
            case "server-sent events":
                await All(response.ReadServerSentEventsAsync(Ct));
                break;
            case "server-sent JSON":
                await All(response.ReadServerSentEventsAsync(TestJson.Default.Int32, Ct));
                break;
            case "bytes":
                await InContext(() => response.ReadAsByteArrayAsync(Ct));
                break;
            case "string":
                await InContext(() => response.ReadAsStringAsync(Ct));
                break;
            case "copy to a stream":
                await InContext(() => response.CopyToAsync(new SlowStream(), Ct));
                break;
            case "copy to a pipe":
                var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 4, resumeWriterThreshold: 2, useSynchronizationContext: false));
                var draining = pipe.Reader.AsStream().CopyToAsync(Stream.Null, Ct);
                await InContext(() => response.CopyToAsync(pipe.Writer, Ct));
                await pipe.Writer.CompleteAsync();
                await draining;
                break;
            case "stream" or "stream that is left":
                var stream = response.AsStream();
                var buffer = new byte[2];
                while (await InContext(() => stream.ReadAsync(buffer, Ct).AsTask()) > 0 && reader == "stream") continue;
                await InContext(() => stream.DisposeAsync().AsTask());
                break;
            case "HTTP answer" or "HTTP answer that is wrong":
                var options = new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always };
                if (reader == "HTTP answer")
                {
                    await using var http = await InContext(() => response.ReadHttpIntegrationResponseAsync(options, Ct));
                    await InContext(() => http.ReadAsStringAsync(Ct));
                    break;
                }

                await Assert.ThrowsAsync<PayloadFormatException>(() => InContext(() => response.ReadHttpIntegrationResponseAsync(options, Ct)));
                break;
            case "made up" or "made up and left":
                await using (var madeUp = InvokeWithResponseStreamResponse.Create(ScriptAsync()))
                {
                    if (reader == "made up") await All(madeUp.ReadChunksAsync(Ct));
                    else await InContext(() => madeUp.DisposeAsync().AsTask());
                }

                break;
            default:
                using (var client = StubbedClient.Streaming(Wire(reader switch { "JSON of a call" => "1 2", "server-sent events of a call" => "data: a\n\n", _ => "one\ntwo" })))
                {
                    switch (reader)
                    {
                        case "text of a call":
                            await All(client.InvokeTextAsync("f", "{}", Ct));
                            break;
                        case "lines of a call":
                            await All(client.InvokeLinesAsync("f", "{}", Ct));
                            break;
                        case "JSON of a call":
                            await All(client.InvokeJsonAsync("f", "{}", TestJson.Default.Int32, Ct));
                            break;
                        default:
                            await All(client.InvokeServerSentEventsAsync("f", "{}", Ct));
                            break;
                    }
                }

                break;
        }
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> ScriptAsync()
    {
        await Task.Run(() => { }).ConfigureAwait(false);
        yield return "a"u8.ToArray();
        await Task.Run(() => { }).ConfigureAwait(false);
        yield return "b"u8.ToArray();
    }

    // Each read waits, without a context of its own.
    private static Stream Wire(string payload) => new WaitingStream([.. payload.SelectMany(character => Messages.Chunk([(byte)character])), .. Messages.Complete()]);

    private async Task All<T>(IAsyncEnumerable<T> items)
    {
        var enumerator = items.GetAsyncEnumerator(Ct);
        while (await InContext(() => enumerator.MoveNextAsync().AsTask())) continue;
        await InContext(() => enumerator.DisposeAsync().AsTask());
    }

    private async Task<T> InContext<T>(Func<Task<T>> call)
    {
        var task = Begin(call);
        return await task.ConfigureAwait(false);
    }

    private async Task InContext(Func<Task> call)
    {
        var task = Begin(call);
        await task.ConfigureAwait(false);
    }

    private TTask Begin<TTask>(Func<TTask> call)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_context);
        try
        {
            return call();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private sealed class CountingContext : SynchronizationContext
    {
        private int _posts;

        public int Posts => Volatile.Read(ref _posts);

        public override void Post(SendOrPostCallback d, object? state)
        {
            Interlocked.Increment(ref _posts);
            base.Post(d, state);
        }
    }

    private sealed class WaitingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Run(() => { }, cancellationToken).ConfigureAwait(false);

            // A message comes in two pieces, and none with another one.
            return buffer.IsEmpty ? 0 : Read(buffer.Span[..Math.Min(buffer.Length, 40)]);
        }
    }

    private sealed class SlowStream : MemoryStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await Task.Run(() => { }, cancellationToken).ConfigureAwait(false);

        public override async Task FlushAsync(CancellationToken cancellationToken) => await Task.Run(() => { }, cancellationToken).ConfigureAwait(false);
    }
}
