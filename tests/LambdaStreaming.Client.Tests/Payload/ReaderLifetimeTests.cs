using System.Text;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Leaving a reader early, by any way, frees the connection.</summary>
public class ReaderLifetimeTests
{
    private static readonly Dictionary<string, Func<ResponsePayload, CancellationToken, IAsyncEnumerable<object?>>> Readers = new(StringComparer.Ordinal)
    {
        ["text"] = (response, token) => response.ReadTextAsync(cancellationToken: token),
        ["lines"] = (response, token) => response.ReadLinesAsync(cancellationToken: token),
        ["JSON"] = (response, token) => Boxed(response.ReadJsonValuesAsync(TestJson.Default.JsonElement, cancellationToken: token)),
        ["events"] = (response, token) => Boxed(response.ReadServerSentEventsAsync(cancellationToken: token)),
        ["events of JSON"] = (response, token) => Boxed(response.ReadServerSentEventsAsync(TestJson.Default.JsonElement, cancellationToken: token)),
    };

    public static IEnumerable<TheoryDataRow<string>> Names => Readers.Keys.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Names))]
    public async Task Read_LoopIsLeft_ConnectionIsFreed(string reader)
    {
        var wire = new WatchedStream(Wire.Repeat(Payload(reader), 1000));
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        await foreach (var _ in Readers[reader](response, default)) break;

        Assert.True(wire.IsDisposed);
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Read_TokenIsCancelledBetweenElements_ThrowsWithIt(string reader)
    {
        // Both elements are in one chunk: the second is here when the token is cancelled.
        var wire = new WatchedStream(Wire.Repeat([.. Payload(reader), .. Payload(reader), .. new byte[40_000].Select(_ => (byte)'\n')], 1000));
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
    public async Task Read_TokenOfTheEnumeratorIsCancelledWhileWaiting_ThrowsWithIt(string reader)
    {
        var never = new TaskCompletionSource();
        using var of = new CancellationTokenSource();
        await using var response = InvokeWithResponseStreamResponse.Create(Silent());
        using var cancellation = new CancellationTokenSource();
        await using var elements = Readers[reader](response, of.Token).GetAsyncEnumerator(cancellation.Token);

        var move = elements.MoveNextAsync().AsTask();
        await cancellation.CancelAsync();

        Assert.Equal(cancellation.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => move)).CancellationToken);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Silent()
        {
            await never.Task;
            yield break;
        }
    }

    [Fact]
    public async Task HttpBody_ReadTwice_Throws()
    {
        await using var response = Fragmented.Response("{}\0\0\0\0\0\0\0\0body");
        await using var http = await response.ReadHttpIntegrationResponseAsync();

        Assert.Same(http.Body, http.Body);

        Assert.Throws<InvalidOperationException>(() => { _ = http.ReadAsStringAsync(); });
    }

    [Fact]
    public async Task HttpBody_Disposed_FreesTheConnection()
    {
        var wire = new WatchedStream(Wire.Create("{}\0\0\0\0\0\0\0\0"u8.ToArray(), new byte[100]));
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        await (await response.ReadHttpIntegrationResponseAsync()).DisposeAsync();

        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public async Task ReadHttpIntegrationResponseAsync_PreludeIsWrong_FreesTheConnection()
    {
        var wire = new WatchedStream(Wire.Create("{\"statusCode\":20}\0\0\0\0\0\0\0\0"u8.ToArray(), new byte[100]));
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        var exception = await Assert.ThrowsAsync<PayloadFormatException>(() => response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always }));

        Assert.IsType<FormatException>(exception.InnerException);
        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public async Task ReadHttpIntegrationResponseAsync_Cancelled_ThrowsWithTheToken()
    {
        var never = new TaskCompletionSource();
        await using var response = InvokeWithResponseStreamResponse.Create(Silent());
        using var cancellation = new CancellationTokenSource();

        var read = response.ReadHttpIntegrationResponseAsync(cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();

        Assert.Equal(cancellation.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read)).CancellationToken);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Silent()
        {
            await never.Task;
            yield break;
        }
    }

    private static byte[] Payload(string reader) => Encoding.UTF8.GetBytes(reader switch
    {
        "text" => new string('a', 40_000),
        "lines" => "a\n",
        "JSON" => "{}",
        _ => "data: {}\n\n",
    });

    private static async IAsyncEnumerable<object?> Boxed<T>(IAsyncEnumerable<T> elements, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var element in elements.WithCancellation(cancellationToken)) yield return element;
    }
}
