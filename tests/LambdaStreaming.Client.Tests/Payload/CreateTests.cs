using System.Net;
using System.Runtime.CompilerServices;
using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.Conformance;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Responses created for unit tests.</summary>
public class CreateTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Create_FromChunks_YieldsEachChunkThenInvokeComplete()
    {
        var complete = new InvokeComplete { LogResult = "bG9n" };
        await using var response = InvokeWithResponseStreamResponse.Create(["one", "", "two"], complete);
        var events = new List<string>();

        await foreach (var item in response)
        {
            events.Add(item.TryGetPayloadChunk(out var chunk)
                ? System.Text.Encoding.UTF8.GetString(chunk.ToArray())
                : item.InvokeComplete!.DecodeLogResult()!);
        }

        Assert.Equal(["one", "", "two", "log"], events);
    }

    [Fact]
    public async Task Create_WithMetadata_ResponseHasIt()
    {
        var metadata = new ResponseStreamMetadata
        {
            RequestId = "r-1",
            ExecutedVersion = "7",
            ResponseStreamContentType = "text/plain",
            Headers = new Dictionary<string, string> { ["X-Other"] = "o", ["Content-Language"] = "en" },
        };

        await using var response = Fragmented.Response("a", metadata: metadata);

        Assert.Equal(
            (HttpStatusCode.OK, "r-1", "7", "text/plain"),
            (response.StatusCode, response.RequestId, response.ExecutedVersion, response.ResponseStreamContentType));
        Assert.Equal(["o"], response.Headers["x-other"]);
        Assert.Equal(["en"], response.Headers["content-language"]);
    }

    [Fact]
    public async Task Create_ThrowOnFunctionErrorIsFalse_YieldsTheError()
    {
        var complete = new InvokeComplete { ErrorCode = "Unhandled" };
        var metadata = new ResponseStreamMetadata { ThrowOnFunctionError = false };
        await using var response = InvokeWithResponseStreamResponse.Create([], complete, metadata: metadata);

        var events = await LimitTests.ToListAsync(response);

        Assert.Equal("Unhandled", Assert.Single(events).InvokeComplete!.ErrorCode);
    }

    [Fact]
    public async Task Create_DryRun_HasNoEvents()
    {
        var metadata = new ResponseStreamMetadata { StatusCode = HttpStatusCode.NoContent };
        await using var response = InvokeWithResponseStreamResponse.Create([], metadata: metadata);

        Assert.Empty(await response.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Create_StreamAndStatus204_DisposesTheStream()
    {
        using var stream = new MemoryStream([1]);
        var metadata = new ResponseStreamMetadata { StatusCode = HttpStatusCode.NoContent };
        await using var response = InvokeWithResponseStreamResponse.Create(stream, metadata);

        Assert.False(stream.CanRead);
        Assert.Empty(await response.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Create_WithFailure_ThrowsThatInstance()
    {
        var failure = new ResponseStreamCorruptException("mine", ResponseStreamCorruptionReason.MessageChecksum, 17);
        await using var response = InvokeWithResponseStreamResponse.Create(["a"], failure: failure);

        Assert.Same(
            failure,
            await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => response.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Create_ChunkSourceThrows_ThrowsThatInstance()
    {
        var failure = new TimeZoneNotFoundException();
        await using var response = InvokeWithResponseStreamResponse.Create(ReadSourceAsync());

        Assert.Same(failure, await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => response.ReadAsStringAsync()));

        async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadSourceAsync()
        {
            await Task.CompletedTask;
            yield return new byte[] { 1 };
            throw failure;
        }
    }

    [Fact]
    public void Create_WithInvokeCompleteAndFailure_Throws() =>
        Assert.Throws<ArgumentException>("failure", () => InvokeWithResponseStreamResponse.Create(
            ["a"],
            new InvokeComplete(),
            new TimeZoneNotFoundException()));

    [Theory, InlineData(true), InlineData(false)]
    public async Task Create_ResponseIsDisposedDuringMoveNextAsync_ChunkSourceIsCancelledAndDisposed(bool observesToken)
    {
        var proceed = new TaskCompletionSource();
        var disposed = new TaskCompletionSource();
        var response = InvokeWithResponseStreamResponse.Create(ReadSourceAsync());
        var chunks = response.ReadChunksAsync(Token).GetAsyncEnumerator(Token);
        var moving = chunks.MoveNextAsync().AsTask();

        response.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => moving.WaitAsync(LocalService.TooLong, Token));
        if (!observesToken) proceed.SetResult();

        await disposed.Task.WaitAsync(LocalService.TooLong, Token);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadSourceAsync(
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            try
            {
                await proceed.Task.WaitAsync(observesToken ? cancellationToken : CancellationToken.None);
                yield return "a"u8.ToArray();
            }
            finally
            {
                disposed.SetResult();
            }
        }
    }

    [Fact]
    public async Task Create_LoopBreaks_ChunkSourceIsDisposed()
    {
        var ended = new TaskCompletionSource();
        await using (var response = InvokeWithResponseStreamResponse.Create(ReadSourceAsync()))
        {
            await foreach (var _ in response.ReadChunksAsync()) break;
        }

        await ended.Task;

        async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadSourceAsync()
        {
            await Task.CompletedTask;
            try
            {
                while (true) yield return new byte[] { 1 };
            }
            finally
            {
                ended.SetResult();
            }
        }
    }

    [Theory, InlineData("lambda-payload-chunk"), InlineData("lambda-invoke-complete")]
    public void Encode_Event_WritesTheBytesOfTheService(string name)
    {
        var expected = ConformanceData.Bytes(ConformanceData.Load("eventstream/valid", name)["wire"]);

        var encoded = name == "lambda-payload-chunk"
            ? EventStreamEncoder.Encode("{\"part\":1}"u8)
            : EventStreamEncoder.Encode(new InvokeComplete());

        Assert.Equal(expected, encoded);
    }
}
