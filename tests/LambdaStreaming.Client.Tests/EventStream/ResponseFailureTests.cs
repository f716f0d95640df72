using System.Net;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>The exception that ends the reading of a response: its type and the details that it reports.</summary>
public class ResponseFailureTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<byte[], bool, int> Truncations => new()
    {
        { [], false, 0 },
        { Messages.Chunk("abc"), false, 1 },
        { [.. Messages.Chunk("abc"), .. Messages.Complete()[..14]], false, 1 },
        { Messages.Chunk("abc"), true, 1 },
    };

    [Theory, MemberData(nameof(Truncations))]
    public async Task Read_ResponseEndsEarly_ReportsWhatWasReceived(byte[] body, bool breaksOff, int chunks)
    {
        var exception = await FailAsync<ResponseStreamTruncatedException>(body, breaksOff);

        Assert.Equal((chunks, chunks * 3), (exception.ChunksReceived, exception.BytesReceived));
        Assert.True(exception.FunctionMayHaveRun);
        Assert.Equal(breaksOff, exception.InnerException is IOException);
        Assert.Equal(("my-function", "us-east-1", 1), (exception.FunctionName, exception.Region, exception.Attempts));
    }

    [Fact]
    public async Task Read_MessageIsDamaged_ReportsItsByteOffset()
    {
        var first = Messages.Chunk("abc");
        var second = Messages.Chunk("de");
        second[^1] ^= 1;

        var exception = await FailAsync<ResponseStreamCorruptException>([.. first, .. second]);

        Assert.Equal(
            (ResponseStreamCorruptionReason.MessageChecksum, first.Length),
            (exception.Reason, exception.ByteOffset));
        Assert.Equal((1, 3), (exception.ChunksReceived, exception.BytesReceived));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData(":message-type", "other")]
    [InlineData(":message-type", "event")]
    public async Task Read_MessageIsNotAnEvent_ReportsMalformedEvent(string? name, string? value)
    {
        var message = Messages.Create(name is null ? [] : [(name, value!)], "payload"u8);

        var exception = await FailAsync<ResponseStreamCorruptException>(message);

        Assert.Equal((ResponseStreamCorruptionReason.MalformedEvent, 0L), (exception.Reason, exception.ByteOffset));
    }

    [Fact]
    public async Task Read_ResponseIsAWebPage_ReportsTheContentType()
    {
        var page = "<html>Please sign in to the network</html>"u8.ToArray();

        var exception = await FailHtmlAsync<ResponseStreamCorruptException>(page);

        Assert.Equal(
            (ResponseStreamCorruptionReason.UnexpectedContentType, 0L),
            (exception.Reason, exception.ByteOffset));
    }

    [Fact]
    public async Task Read_EmptyResponseWithAnotherContentType_ReportsTheContentType() => Assert.Equal(
        ResponseStreamCorruptionReason.UnexpectedContentType,
        (await FailHtmlAsync<ResponseStreamCorruptException>([])).Reason);

    [Theory]
    [InlineData(8, ResponseStreamCorruptionReason.PreludeChecksum)]
    [InlineData(-1, ResponseStreamCorruptionReason.MessageChecksum)]
    public async Task Read_DamagedEventStreamWithAnotherContentType_ReportsTheDamage(
        int at,
        ResponseStreamCorruptionReason reason)
    {
        var damaged = Messages.Chunk("de");
        damaged[at < 0 ? damaged.Length + at : at] ^= 1;

        var exception = await FailHtmlAsync<ResponseStreamCorruptException>([.. Messages.Chunk("abc"), .. damaged]);

        Assert.Equal(reason, exception.Reason);
    }

    [Fact]
    public async Task Read_EventStreamWithAnotherContentTypeEndsEarly_ThrowsResponseStreamTruncatedException() =>
        Assert.Equal(1, (await FailHtmlAsync<ResponseStreamTruncatedException>(Messages.Chunk("abc"))).ChunksReceived);

    [Fact]
    public async Task Read_ConnectionBreaksWithAnotherContentType_ThrowsResponseStreamTruncatedException()
    {
        var exception = await FailHtmlAsync<ResponseStreamTruncatedException>([], breaksOff: true);

        Assert.IsType<IOException>(exception.InnerException);
    }

    [Fact]
    public async Task Read_NoDataArrives_ThrowsAfterTheIdleTimeout()
    {
        var clock = new FakeTimeProvider();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        options.IdleTimeout = TimeSpan.FromSeconds(90);
        using var client = StubbedClient.Streaming(FuncStream.Idle(), options);
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        var moving = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct).MoveNextAsync().AsTask();
        clock.Advance(TimeSpan.FromSeconds(90));

        var exception = await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(() => moving);

        Assert.Equal((0, true), (exception.ChunksReceived, exception.FunctionMayHaveRun));
    }

    [Fact]
    public async Task Read_TokenIsCancelled_ThrowsWithThatToken()
    {
        using var source = new CancellationTokenSource();
        using var client = StubbedClient.Streaming(FuncStream.Idle());
        var reading = ReadAsync(client, source.Token);
        await source.CancelAsync();

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => reading);

        Assert.Equal(source.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task ReadAsStringAsync_StreamThrowsOnDisposal_ReturnsThePayload()
    {
        using var client = StubbedClient.Streaming(CreateUndisposable(Messages.Complete()));
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);

        Assert.Equal("a", await response.ReadAsStringAsync(cancellationToken: Ct));
    }

    [Fact]
    public async Task ReadAsStringAsync_FunctionFailsAndStreamThrowsOnDisposal_ThrowsFunctionErrorException()
    {
        var stream = CreateUndisposable(Messages.Complete("""{"ErrorCode":"Unhandled"}"""));
        using var client = StubbedClient.Streaming(stream);
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);

        var exception = await Assert.ThrowsAsync<FunctionErrorException>(
            () => response.ReadAsStringAsync(cancellationToken: Ct));

        Assert.Equal("Unhandled", exception.ErrorCode);
    }

    [Fact]
    public async Task Dispose_StreamThrowsOnDisposal_IsIgnored()
    {
        var stream = CreateUndisposable(Messages.Complete());
        using var client = StubbedClient.Streaming(stream);
        var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);

        response.Dispose();

        Assert.True(stream.IsDisposed);
    }

    [Fact]
    public async Task MoveNextAsync_ResponseIsDisposedMeanwhile_NamesTheResponse()
    {
        using var client = StubbedClient.Streaming(FuncStream.Idle());
        var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        var moving = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct).MoveNextAsync().AsTask();
        response.Dispose();

        var exception = await Assert.ThrowsAsync<ObjectDisposedException>(() => moving);

        Assert.Equal(nameof(InvokeWithResponseStreamResponse), exception.ObjectName);
    }

    [Fact]
    public async Task MoveNextAsync_DuringAnotherMoveNextAsync_Throws()
    {
        using var client = StubbedClient.Streaming(FuncStream.Idle());
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        var first = chunks.MoveNextAsync().AsTask();

        await Assert.ThrowsAsync<InvalidOperationException>(() => chunks.MoveNextAsync().AsTask());

        Assert.False(first.IsCompleted);
    }

    [Fact]
    public async Task Payload_EnumerationHasAdvanced_Throws()
    {
        byte[] body = [.. Messages.Chunk("a"), .. Messages.Chunk("b"), .. Messages.Complete()];
        using var client = StubbedClient.Streaming(new MemoryStream(body));
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var first = chunks.Current;
        await chunks.MoveNextAsync();

        Assert.Throws<InvalidOperationException>(() => first.Payload);
        Assert.Throws<InvalidOperationException>(() => first.Length);
    }

    [Fact]
    public async Task AsStream_SynchronousOrSeekingUse_ThrowsNotSupportedException()
    {
        using var client = StubbedClient.Streaming(new MemoryStream([.. Messages.Chunk("a"), .. Messages.Complete()]));
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        await using var stream = response.AsStream();

        Assert.Throws<NotSupportedException>(() => stream.ReadByte());
        Assert.Throws<NotSupportedException>(() => stream.CopyTo(Stream.Null));
        Assert.Throws<NotSupportedException>(() => stream.Position);
        Assert.Throws<NotSupportedException>(() => stream.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => stream.WriteByte(1));
    }

    private static WatchedStream CreateUndisposable(byte[] complete) =>
        new([.. Messages.Chunk("a"), .. complete]) { Disposed = () => throw new TimeZoneNotFoundException() };

    private static async Task<T> FailHtmlAsync<T>(byte[] body, bool breaksOff = false)
        where T : LambdaStreamingException
    {
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            new FragmentedStream(body, () => 1000, breaksOff),
            HttpStatusCode.OK,
            ("Content-Type", "text/html")));
        return await Assert.ThrowsAsync<T>(() => ReadAsync(client));
    }

    private static async Task<T> FailAsync<T>(byte[] body, bool breaksOff = false)
        where T : LambdaStreamingException
    {
        using var client = StubbedClient.Streaming(new FragmentedStream(body, () => 1000, breaksOff));
        return await Assert.ThrowsAsync<T>(() => ReadAsync(client));
    }

    private static async Task ReadAsync(LambdaStreamingClient client, CancellationToken cancellationToken = default)
    {
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), CancellationToken.None);
        await foreach (var _ in response.ReadChunksAsync(cancellationToken))
        {
        }
    }
}
