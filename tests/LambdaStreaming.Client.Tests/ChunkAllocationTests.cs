using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests;

/// <summary>The guard of speed that no noisy machine can fail: what is allocated.</summary>
[Collection(AloneCollection.Name)]
public class ChunkAllocationTests
{
    // The goal: a call may cost 6 KB beyond the signer and a raw POST (docs/performance.md).
    // In a debug build every async method is an object more, which no user's build has.
#if DEBUG
    private const long MaxCallBytesOfOurs = 8 * 1024;
#else
    private const long MaxCallBytesOfOurs = 6 * 1024;
#endif

    private const int Chunks = 20_000;

    [Theory, InlineData(true), InlineData(false)]
    public async Task Enumeration_EventsAlreadyBuffered_AllocateNothing(bool events)
    {
        byte[] wire = [.. Enumerable.Repeat(Messages.Chunk("sixteen bytes ok"), Chunks).SelectMany(message => message), .. Messages.Complete()];
        var few = await AllocatedAsync(wire, events, measureAfter: Chunks / 10);
        few = await AllocatedAsync(wire, events, measureAfter: Chunks / 10);

        var many = await AllocatedAsync(wire, events, measureAfter: Chunks);

        // Between the first tenth and the end lie 18,000 events and a good forty reads. A read costs some objects in a debug build; one object an event would be ten times the bound.
        Assert.InRange(many - few, long.MinValue, Chunks * 2);
    }

    [Fact]
    public async Task InvokeAsync_OneChunk_AllocatesLittleBeyondSignerAndPost()
    {
        byte[] body = [.. Messages.Chunk("x"), .. Messages.Complete()];
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(body)));
        using var raw = new HttpClient(new StubbedClient(_ => StubbedClient.Answer(new MemoryStream(body))));
        var credentials = new BasicAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

        var ours = await SmallestAsync(async () =>
        {
            await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f"));
            await foreach (var _ in response.ReadChunksAsync()) continue;
        });
        var post = await SmallestAsync(async () =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "https://lambda.us-east-1.amazonaws.com/2021-11-15/functions/f/response-streaming-invocations") { Content = new ByteArrayContent([]) };
            using var response = await raw.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            await using var stream = await response.Content.ReadAsStreamAsync();
            var buffer = new byte[256];
            while (await stream.ReadAsync(buffer) > 0) continue;
        });
        var sign = await SmallestAsync(async () => await AWSSigV4Signer.SignAsync(
            new AWSSigningRequest { HttpMethod = HttpMethod.Post, RequestUri = new Uri("https://lambda.us-east-1.amazonaws.com/2021-11-15/functions/f/response-streaming-invocations"), ContentStream = new MemoryStream([]) },
            new AWSSigV4Parameters { Credentials = credentials, Region = RegionEndpoint.USEast1, Service = "lambda", SignPayload = true },
            CancellationToken.None));

        Assert.InRange(ours - post - sign, 0, MaxCallBytesOfOurs);
    }

    // Alone: another test's listener would be one here.
    [Fact]
    public void Telemetry_NobodyListens_IsNotMade()
    {
        var request = new InvokeWithResponseStreamRequest("f");
        var telemetry = CallTelemetry.Start(request, TimeProvider.System);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 100; i++) telemetry ??= CallTelemetry.Start(request, TimeProvider.System);

        Assert.Null(telemetry);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    // Over all threads, since a call may go on on another one. What else the process allocates can only add to some of the turns.
    private static async Task<long> SmallestAsync(Func<Task> call)
    {
        var smallest = long.MaxValue;
        for (var i = 0; i < 50; i++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await call();
            smallest = Math.Min(smallest, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return smallest;
    }

    private static async Task<long> AllocatedAsync(byte[] wire, bool events, int measureAfter)
    {
        // Read to the end, so that the buffers return to the pool for the next response.
        using var client = StubbedClient.Streaming(new MemoryStream(wire));
        await using var response = await client.InvokeAsync("f");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var seen = 0;
        long bytes = 0, allocated = 0;
        if (events)
        {
            await foreach (var item in response)
            {
                if (item.TryGetPayloadChunk(out var chunk)) bytes += chunk.Payload.Length;
                if (++seen == measureAfter) allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }
        }
        else
        {
            await foreach (var chunk in response.ReadChunksAsync(TestContext.Current.CancellationToken))
            {
                bytes += chunk.Payload.Length;
                if (++seen == measureAfter) allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }
        }

        Assert.Equal(Chunks * 16, bytes);
        return allocated;
    }
}
