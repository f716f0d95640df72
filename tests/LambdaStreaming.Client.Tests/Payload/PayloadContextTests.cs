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

    private static IAsyncEnumerator<string> ReadInvocationAsync(InvokeWithResponseStreamResponse response)
    {
        var client = new Mock<ILambdaStreamingClient>();
        client.Setup(mock => mock.InvokeWithResponseStreamAsync(
            It.IsAny<InvokeWithResponseStreamRequest>(), It.IsAny<CancellationToken>())).ReturnsAsync(response);
        return client.Object.InvokeTextAsync("f", "{}").GetAsyncEnumerator();
    }
}
