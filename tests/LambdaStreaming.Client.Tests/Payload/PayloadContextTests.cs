using System.IO.Pipelines;
using LambdaStreaming.Tests.ResponseStream;
using Moq;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Payload;

/// <summary>
/// A read does not continue on the caller's synchronization context: an app with a user interface might block that.
/// </summary>
public class PayloadContextTests
{
    private static readonly Dictionary<string, Func<InvokeWithResponseStreamResponse, Task>> Others =
        new(StringComparer.Ordinal)
        {
            ["stream"] = response => response.AsStream().ReadAsync(new byte[9]).AsTask(),
            ["copy to a stream"] = response => response.CopyToAsync(Stream.Null),
            ["copy to a stream with a token"] = response => response.CopyToAsync(Stream.Null, Cancellable),
            ["copy of a stream"] = response => response.AsStream().CopyToAsync(Stream.Null),
            ["copy to a pipe"] = response => response.CopyToAsync(PipeWriter.Create(Stream.Null)),
            ["bytes"] = response => response.ReadAsByteArrayAsync(),
            ["string"] = response => response.ReadAsStringAsync(),
            ["one JSON value"] = response => response.ReadFromJsonAsync(TestJson.Default.JsonElement),
            ["HTTP response"] = response => response.ReadHttpIntegrationResponseAsync(),
            ["invocation"] = response => ReadInvocationAsync(response).MoveNextAsync().AsTask(),
        };

    public static TheoryData<string> Readers => [.. PayloadReaders.All.Keys, .. Others.Keys];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static CancellationToken Cancellable => new CancellationTokenSource().Token;

    [Theory, MemberData(nameof(Readers))]
    public async Task Read_DataIsPending_DoesNotContinueOnTheContext(string reader)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var wire = new MemoryStream(Wire.Create("{}\n"u8.ToArray()));
        await using var response = InvokeWithResponseStreamResponse.Create(new FuncStream(async (buffer, token) =>
        {
            await gate.Task.ConfigureAwait(false);
            return await wire.ReadAsync(buffer, token).ConfigureAwait(false);
        }));

        var context = new RecordingContext();
        var read = context.Run(() => Others.TryGetValue(reader, out var readAsync)
            ? readAsync(response)
            : PayloadReaders.All[reader].Read(response, Ct).MoveNextAsync().AsTask());
        Assert.False(read.IsCompleted);
        gate.SetResult();
        await read.WaitAsync(TooLong, Ct);

        Assert.Equal(0, context.Posts);
    }

    [Theory, InlineData("write"), InlineData("flush"), InlineData("pipe")]
    public async Task CopyToAsync_DestinationIsPending_DoesNotContinueOnTheContext(string pending)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stream = new GatedStream(gate.Task, waitsForFlush: pending == "flush");
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream(Wire.Create("a"u8.ToArray())));

        var context = new RecordingContext();
        var copy = context.Run(() => pending == "pipe"
            ? response.CopyToAsync(PipeWriter.Create(stream))
            : response.CopyToAsync(stream));
        Assert.False(copy.IsCompleted);
        gate.SetResult();
        await copy.WaitAsync(TooLong, Ct);

        Assert.Equal(0, context.Posts);
    }

    [Fact]
    public async Task InvokeTextAsync_CallIsPending_DoesNotContinueOnTheContext()
    {
        var call = new TaskCompletionSource<InvokeWithResponseStreamResponse>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        var client = new Mock<ILambdaStreamingClient>();
        client.Setup(mock => mock.InvokeWithResponseStreamAsync(
            It.IsAny<InvokeWithResponseStreamRequest>(), It.IsAny<CancellationToken>())).Returns(call.Task);
        await using var text = client.Object.InvokeTextAsync("f", "{}").GetAsyncEnumerator(Ct);

        var context = new RecordingContext();
        var read = context.Run(() => text.MoveNextAsync().AsTask());
        Assert.False(read.IsCompleted);
        call.SetResult(InvokeWithResponseStreamResponse.Create(["a"]));
        await read.WaitAsync(TooLong, Ct);

        Assert.Equal(0, context.Posts);
    }

    private static IAsyncEnumerator<string> ReadInvocationAsync(InvokeWithResponseStreamResponse response)
    {
        var client = new Mock<ILambdaStreamingClient>();
        client.Setup(mock => mock.InvokeWithResponseStreamAsync(
            It.IsAny<InvokeWithResponseStreamRequest>(), It.IsAny<CancellationToken>())).ReturnsAsync(response);
        return client.Object.InvokeTextAsync("f", "{}").GetAsyncEnumerator();
    }

    /// <summary>A destination whose writes or flushes wait for a gate.</summary>
    private sealed class GatedStream(Task gate, bool waitsForFlush) : MemoryStream
    {
        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer,
            CancellationToken cancellationToken = default)
        {
            if (!waitsForFlush) await gate.ConfigureAwait(false);
        }

        public override async Task FlushAsync(CancellationToken cancellationToken)
        {
            if (waitsForFlush) await gate.ConfigureAwait(false);
        }
    }
}
