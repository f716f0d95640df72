using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests;

/// <summary>Allocations: a measure of speed that does not depend on the load of the machine.</summary>
[Collection(NonParallelCollection.Name)]
public class ChunkAllocationTests
{
    // The goal: a call costs at most 6 KB more than the signer and a plain POST (docs/internals/performance.md).
    // A debug build allocates one more object per async method.
#if DEBUG
    private const long MaxAdditionalBytes = 8 * 1024;
#else
    private const long MaxAdditionalBytes = 6 * 1024;
#endif

    private const int ChunkCount = 20_000;

    private const string InvocationUrl =
        "https://lambda.us-east-1.amazonaws.com/2021-11-15/functions/f/response-streaming-invocations";

    [Theory, InlineData(true), InlineData(false)]
    public async Task MoveNextAsync_EventsAreBuffered_AllocatesNothing(bool events)
    {
        var chunks = Enumerable.Repeat(Messages.Chunk("sixteen bytes ok"), ChunkCount);
        byte[] wire = [.. chunks.SelectMany(message => message), .. Messages.Complete()];
        await GetAllocatedBytesAsync(wire, events, measureAfter: ChunkCount / 10);   // compiles the code
        var few = await GetAllocatedBytesAsync(wire, events, measureAfter: ChunkCount / 10);

        // The smallest of five: a thread whose pool has no buffer left allocates one.
        var many = long.MaxValue;
        for (var i = 0; i < 5; i++)
            many = Math.Min(many, await GetAllocatedBytesAsync(wire, events, measureAfter: ChunkCount));

        // Between the two measurements are 18,000 events and about 40 reads. In a debug build a read allocates some
        // objects. One object per event would exceed the limit ten times.
        Assert.InRange(many - few, long.MinValue, ChunkCount * 2);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_OneChunk_AllocatesLittleMoreThanSigningAndPosting()
    {
        byte[] body = [.. Messages.Chunk("x"), .. Messages.Complete()];
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(new MemoryStream(body)));
        using var raw = new HttpClient(new StubbedClient(_ => StubbedClient.CreateResponse(new MemoryStream(body))));
        var credentials = new BasicAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

        var call = await GetSmallestAsync(async () =>
        {
            await using var response = await client.InvokeWithResponseStreamAsync(
                new InvokeWithResponseStreamRequest("f"));
            await foreach (var _ in response.ReadChunksAsync()) continue;
        });
        var post = await GetSmallestAsync(async () =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, InvocationUrl);
            request.Content = new ByteArrayContent([]);
            using var response = await raw.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            await using var stream = await response.Content.ReadAsStreamAsync();
            var buffer = new byte[256];
            while (await stream.ReadAsync(buffer) > 0) continue;
        });
        var sign = await GetSmallestAsync(async () => await AWSSigV4Signer.SignAsync(
            new AWSSigningRequest
            {
                HttpMethod = HttpMethod.Post,
                RequestUri = new Uri(InvocationUrl),
                ContentStream = new MemoryStream([]),
            },
            new AWSSigV4Parameters
            {
                Credentials = credentials,
                Region = RegionEndpoint.USEast1,
                Service = "lambda",
                SignPayload = true,
            },
            CancellationToken.None));

        Assert.InRange(call - post - sign, 0, MaxAdditionalBytes);
    }

    // The tests of this collection run alone. Otherwise, a listener of another test would make Start create the
    // telemetry.
    [Fact]
    public void CallTelemetry_NoListener_IsNotCreated()
    {
        var request = new InvokeWithResponseStreamRequest("f");
        var telemetry = CallTelemetry.Start(request, TimeProvider.System);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 100; i++)
            telemetry ??= CallTelemetry.Start(request, TimeProvider.System);

        Assert.Null(telemetry);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    // Counts all threads, because a call can continue on another thread. Other allocations of the process can only
    // increase some of the results, so the smallest one counts.
    private static async Task<long> GetSmallestAsync(Func<Task> call)
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

    private static async Task<long> GetAllocatedBytesAsync(byte[] wire, bool events, int measureAfter)
    {
        // The response is read to its end, so that the buffers are returned to the pool for the next response.
        using var client = StubbedClient.Streaming(new MemoryStream(wire));
        await using var response = await client.InvokeAsync("f");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var count = 0;
        var bytes = 0L;
        var allocated = 0L;
        if (events)
        {
            await foreach (var item in response)
            {
                if (item.TryGetPayloadChunk(out var chunk)) bytes += chunk.Payload.Length;
                if (++count == measureAfter) allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }
        }
        else
        {
            await foreach (var chunk in response.ReadChunksAsync(TestContext.Current.CancellationToken))
            {
                bytes += chunk.Payload.Length;
                if (++count == measureAfter) allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }
        }

        Assert.Equal(ChunkCount * 16, bytes);
        return allocated;
    }
}
