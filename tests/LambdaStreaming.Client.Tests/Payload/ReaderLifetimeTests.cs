using System.Runtime.CompilerServices;
using System.Text;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Early ends of a reader, all of which release the connection.</summary>
public class ReaderLifetimeTests
{
    private static readonly Dictionary<string, Reader> Readers = new(StringComparer.Ordinal)
    {
        ["text"] = (response, token) => response.ReadTextAsync(cancellationToken: token),
        ["lines"] = (response, token) => response.ReadLinesAsync(cancellationToken: token),
        ["JSON"] = (response, token) => Boxed(
            response.ReadJsonValuesAsync(TestJson.Default.JsonElement, cancellationToken: token)),
        ["events"] = (response, token) => Boxed(response.ReadServerSentEventsAsync(cancellationToken: token)),
        ["events of JSON"] = (response, token) => Boxed(
            response.ReadServerSentEventsAsync(TestJson.Default.JsonElement, cancellationToken: token)),
    };

    public static IEnumerable<TheoryDataRow<string>> Names =>
        Readers.Keys.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Names))]
    public async Task Read_LoopBreaks_ReleasesTheConnection(string reader)
    {
        var wire = new WatchedStream(Wire.Repeat(Payload(reader), 1000));
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        await foreach (var _ in Readers[reader](response, default)) break;

        Assert.True(wire.IsDisposed);
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_TokenIsCancelledBetweenElements_ThrowsWithTheToken(string reader)
    {
        // Both elements are in one chunk, so that the second is buffered when the token is cancelled.
        byte[] chunk = [.. Payload(reader), .. Payload(reader), .. Enumerable.Repeat((byte)'\n', 40_000)];
        var wire = new WatchedStream(Wire.Repeat(chunk, 1000));
        await using var response = InvokeWithResponseStreamResponse.Create(wire);
        using var cancellation = new CancellationTokenSource();
        var count = 0;

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in Readers[reader](response, cancellation.Token))
            {
                count++;
                await cancellation.CancelAsync();
            }
        });

        Assert.Equal(1, count);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.True(wire.IsDisposed);
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_TokenOfTheEnumeratorIsCancelledWhileWaiting_ThrowsWithTheToken(string reader)
    {
        var never = new TaskCompletionSource();
        using var other = new CancellationTokenSource();
        await using var response = InvokeWithResponseStreamResponse.Create(WaitAsync());
        using var cancellation = new CancellationTokenSource();
        await using var elements = Readers[reader](response, other.Token).GetAsyncEnumerator(cancellation.Token);

        var moving = elements.MoveNextAsync().AsTask();
        await cancellation.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => moving);
        Assert.Equal(cancellation.Token, exception.CancellationToken);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> WaitAsync()
        {
            await never.Task;
            yield break;
        }
    }

    [Fact]
    public async Task ReadAsStringAsync_BodyOfHttpIntegrationWasAlreadyRead_Throws()
    {
        await using var response = Fragmented.Response("{}\0\0\0\0\0\0\0\0body");
        await using var http = await response.ReadHttpIntegrationResponseAsync();

        Assert.Same(http.Body, http.Body);

        Assert.Throws<InvalidOperationException>(() => { _ = http.ReadAsStringAsync(); });
    }

    [Fact]
    public async Task DisposeAsync_HttpIntegrationResponse_ReleasesTheConnection()
    {
        var wire = new WatchedStream(Wire.Create("{}\0\0\0\0\0\0\0\0"u8.ToArray(), new byte[100]));
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        await (await response.ReadHttpIntegrationResponseAsync()).DisposeAsync();

        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public async Task ReadHttpIntegrationResponseAsync_PreludeIsInvalid_ReleasesTheConnection()
    {
        var wire = new WatchedStream(Wire.Create("{\"statusCode\":20}\0\0\0\0\0\0\0\0"u8.ToArray(), new byte[100]));
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        var options = new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always };

        var exception = await Assert.ThrowsAsync<PayloadFormatException>(
            () => response.ReadHttpIntegrationResponseAsync(options));

        Assert.IsType<FormatException>(exception.InnerException);
        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public async Task ReadHttpIntegrationResponseAsync_CancelledWhileWaiting_ThrowsWithTheToken()
    {
        var never = new TaskCompletionSource();
        await using var response = InvokeWithResponseStreamResponse.Create(WaitAsync());
        using var cancellation = new CancellationTokenSource();

        var reading = response.ReadHttpIntegrationResponseAsync(cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal(cancellation.Token, exception.CancellationToken);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> WaitAsync()
        {
            await never.Task;
            yield break;
        }
    }

    private delegate IAsyncEnumerable<object?> Reader(ResponsePayload response, CancellationToken cancellationToken);

    private static byte[] Payload(string reader) => Encoding.UTF8.GetBytes(reader switch
    {
        "text" => new string('a', 40_000),
        "lines" => "a\n",
        "JSON" => "{}",
        _ => "data: {}\n\n",
    });

    private static async IAsyncEnumerable<object?> Boxed<T>(
        IAsyncEnumerable<T> elements,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var element in elements.WithCancellation(cancellationToken)) yield return element;
    }
}
