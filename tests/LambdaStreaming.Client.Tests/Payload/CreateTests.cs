using System.Net;
using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.Conformance;

namespace LambdaStreaming.Tests.Payload;

public class CreateTests
{
    [Fact]
    public async Task Create_OfChunks_GivesThemOneByOneThenTheEnd()
    {
        var complete = new InvokeComplete { LogResult = "bG9n" };
        await using var response = InvokeWithResponseStreamResponse.Create(["one", "", "two"], complete);
        var events = new List<string>();

        await foreach (var e in response) events.Add(e.TryGetPayloadChunk(out var chunk) ? System.Text.Encoding.UTF8.GetString(chunk.ToArray()) : e.InvokeComplete!.DecodeLogResult()!);

        Assert.Equal(["one", "", "two", "log"], events);
    }

    [Fact]
    public async Task Create_WithAHead_ShowsIt()
    {
        var head = new ResponseStreamMetadata { RequestId = "r-1", ExecutedVersion = "7", ResponseStreamContentType = "text/plain", Headers = new Dictionary<string, string> { ["X-Other"] = "o", ["Content-Language"] = "en" } };

        await using var response = Fragmented.Response("a", metadata: head);

        Assert.Equal((HttpStatusCode.OK, "r-1", "7", "text/plain"), (response.StatusCode, response.RequestId, response.ExecutedVersion, response.ResponseStreamContentType));
        Assert.Equal(["o"], response.Headers["x-other"]);
        Assert.Equal(["en"], response.Headers["content-language"]);
    }

    [Fact]
    public async Task Create_ThrowOnFunctionErrorIsOff_YieldsTheError()
    {
        await using var response = InvokeWithResponseStreamResponse.Create([], new InvokeComplete { ErrorCode = "Unhandled" }, metadata: new ResponseStreamMetadata { ThrowOnFunctionError = false });

        var events = await LimitTests.ToListAsync(response);

        Assert.Equal("Unhandled", Assert.Single(events).InvokeComplete!.ErrorCode);
    }

    [Fact]
    public async Task Create_OfADryRun_HasNoEvents()
    {
        await using var response = InvokeWithResponseStreamResponse.Create([], metadata: new ResponseStreamMetadata { StatusCode = HttpStatusCode.NoContent });

        Assert.Empty(await response.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Create_WithAFailure_ThrowsThatVeryException()
    {
        var failure = new ResponseStreamCorruptException("mine", ResponseStreamCorruptionReason.MessageChecksum, 17);
        await using var response = InvokeWithResponseStreamResponse.Create(["a"], failure: failure);

        Assert.Same(failure, await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => response.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Create_ScriptItselfThrows_ThrowsThatVeryException()
    {
        var failure = new TimeZoneNotFoundException();
        await using var response = InvokeWithResponseStreamResponse.Create(Script());

        Assert.Same(failure, await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => response.ReadAsStringAsync()));

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Script()
        {
            await Task.CompletedTask;
            yield return new byte[] { 1 };
            throw failure;
        }
    }

    [Fact]
    public void Create_WithBothEnds_Throws() =>
        Assert.Throws<ArgumentException>("failure", () => InvokeWithResponseStreamResponse.Create(["a"], new InvokeComplete(), new TimeZoneNotFoundException()));

    [Theory, InlineData(true), InlineData(false)]
    public async Task Create_AnswerIsDisposedWhileTheScriptMoves_ScriptIsCancelledAndDisposed(bool looksAtItsToken)
    {
        var goOn = new TaskCompletionSource();
        var disposed = new TaskCompletionSource();
        var response = InvokeWithResponseStreamResponse.Create(ScriptAsync());
        var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var move = chunks.MoveNextAsync().AsTask();

        response.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => move.WaitAsync(LocalService.TooLong, TestContext.Current.CancellationToken));
        if (!looksAtItsToken) goOn.SetResult();

        await disposed.Task.WaitAsync(LocalService.TooLong, TestContext.Current.CancellationToken);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> ScriptAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            try
            {
                await goOn.Task.WaitAsync(looksAtItsToken ? cancellationToken : CancellationToken.None);
                yield return "a"u8.ToArray();
            }
            finally
            {
                disposed.SetResult();
            }
        }
    }

    [Fact]
    public async Task Create_AnswerIsLeft_ScriptIsDisposed()
    {
        var ended = new TaskCompletionSource();
        await using (var response = InvokeWithResponseStreamResponse.Create(Script()))
        {
            await foreach (var _ in response.ReadChunksAsync()) break;
        }

        await ended.Task;

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Script()
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
    public void Encode_AnEvent_MakesTheServicesBytes(string name)
    {
        var wire = ConformanceData.Bytes(ConformanceData.Load("eventstream/valid", name)["wire"]);

        Assert.Equal(wire, name == "lambda-payload-chunk" ? EventStreamEncoder.Encode("{\"part\":1}"u8) : EventStreamEncoder.Encode(new InvokeComplete()));
    }
}
