using System.Net;
using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>What the exception says, word for word, that ends the reading of an answer.</summary>
public class EndTextTests
{
    private const string Call = "(function my-function, region us-east-1, HTTP 200, attempt 1 of 3, request id 0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11).";

    private const string MayBeRunning = "The function may have run, and may be running still: call it again only if it may run twice.";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Read_AnswerIsEmpty_SaysThatItEnded() =>
        Assert.Equal($"The answer of my-function ended before InvokeComplete: it is not whole. Delivered before that: 0 chunks with 0 bytes. {MayBeRunning} {Call}", await TextOfAsync<ResponseStreamTruncatedException>([]));

    [Fact]
    public async Task Read_AnswerEndsBetweenMessages_SaysThatItEnded() =>
        Assert.Equal($"The answer of my-function ended before InvokeComplete: it is not whole. Delivered before that: 2 chunks with 5 bytes. {MayBeRunning} {Call}", await TextOfAsync<ResponseStreamTruncatedException>([.. Messages.Chunk("abc"), .. Messages.Chunk("de")]));

    [Fact]
    public async Task Read_AnswerEndsInsideAMessage_SaysHowMuchOfItCame() =>
        Assert.Equal($"The answer of my-function ended inside a message, of which 14 bytes came, before InvokeComplete: it is not whole. Delivered before that: 1 chunk with 3 bytes. {MayBeRunning} {Call}", await TextOfAsync<ResponseStreamTruncatedException>([.. Messages.Chunk("abc"), .. Messages.Complete()[..14]]));

    [Fact]
    public async Task Read_ConnectionBreaks_SaysThatItBrokeOff() =>
        Assert.Equal($"The answer of my-function broke off before InvokeComplete: it is not whole. Delivered before that: 1 chunk with 3 bytes. {MayBeRunning} {Call}", await TextOfAsync<ResponseStreamTruncatedException>(Messages.Chunk("abc"), breaksOff: true));

    [Fact]
    public async Task Read_MessageIsDamaged_SaysWhereItBegan()
    {
        var second = Messages.Chunk("de");
        second[^1] ^= 1;

        var text = await TextOfAsync<ResponseStreamCorruptException>([.. Messages.Chunk("abc"), .. second]);

        Assert.StartsWith($"A message of {second.Length} bytes carries the CRC-32 ", text, StringComparison.Ordinal);
        Assert.EndsWith($" It was damaged on the way. It begins at byte {Messages.Chunk("abc").Length} of the answer. Delivered before that: 1 chunk with 3 bytes. {MayBeRunning} {Call}", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, "A message has no :message-type.")]
    [InlineData(":message-type", "other", "A message's :message-type is none of event, exception, error.")]
    [InlineData(":message-type", "event", "An event has no :event-type.")]
    public async Task Read_MessageIsNoEvent_SaysWhatIsMissing(string? name, string? value, string what) =>
        Assert.Equal($"{what} It begins at byte 0 of the answer. Delivered before that: 0 chunks with 0 bytes. {MayBeRunning} {Call}", await TextOfAsync<ResponseStreamCorruptException>(Messages.Of(name is null ? [] : [(name, value!)], "payload"u8)));

    [Theory]
    [InlineData("text", "InvokeComplete is not JSON.")]
    [InlineData("[]", "InvokeComplete is JSON, but no object: it begins with StartArray.")]
    public async Task Read_InvokeCompleteIsNoObject_SaysWhatItIs(string json, string what) =>
        Assert.Equal($"{what} It begins at byte 0 of the answer. Delivered before that: 0 chunks with 0 bytes. {MayBeRunning} {Call}", await TextOfAsync<ResponseStreamCorruptException>(Messages.Complete(json)));

    [Fact]
    public async Task Read_AnswerIsAWebPage_SaysThatSomethingElseAnswered()
    {
        const string Text = "The answer's content type is 'text/html' and its bytes are no event stream. Something between this client and Lambda may have answered in its place.";
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(Encoding.UTF8.GetBytes("<html>Please sign in to the network</html>")), HttpStatusCode.OK, ("Content-Type", "text/html")));

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => ReadAsync(client));

        Assert.Equal($"{Text} Delivered before that: 0 chunks with 0 bytes. {MayBeRunning} (function my-function, region us-east-1, HTTP 200, attempt 1 of 3).", exception.Message);
        Assert.Equal((ResponseStreamCorruption.UnexpectedContentType, 0L), (exception.Reason, exception.ByteOffset));
    }

    [Fact]
    public async Task Read_EmptyAnswerOfAnotherType_SaysThatSomethingElseAnswered() =>
        Assert.StartsWith("The answer's content type is 'text/html' and ", (await ReadHtmlAsync<ResponseStreamCorruptException>([])).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Read_EventStreamUnderAnotherType_IsOne()
    {
        var damaged = Messages.Chunk("de");
        damaged[8] ^= 1;

        Assert.Equal(ResponseStreamCorruption.PreludeChecksum, (await ReadHtmlAsync<ResponseStreamCorruptException>([.. Messages.Chunk("abc"), .. damaged])).Reason);
        damaged = Messages.Chunk("de");
        damaged[^1] ^= 1;
        Assert.Equal(ResponseStreamCorruption.MessageChecksum, (await ReadHtmlAsync<ResponseStreamCorruptException>(damaged)).Reason);
        Assert.StartsWith("The answer of my-function ended before", (await ReadHtmlAsync<ResponseStreamTruncatedException>(Messages.Chunk("abc"))).Message, StringComparison.Ordinal);
        Assert.StartsWith("The answer of my-function broke off before", (await ReadHtmlAsync<ResponseStreamTruncatedException>([], breaksOff: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_NothingComes_SaysForHowLong()
    {
        var clock = new FakeTimeProvider();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        options.IdleTimeout = TimeSpan.FromSeconds(90);
        using var client = StubbedClient.Streaming(new SilentStream(), options);
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        var move = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct).MoveNextAsync().AsTask();
        clock.Advance(TimeSpan.FromSeconds(90));

        var exception = await Assert.ThrowsAsync<ResponseStreamIdleException>(() => move);

        Assert.Equal($"Nothing came from my-function for 00:01:30 (IdleTimeout). Delivered before that: 0 chunks with 0 bytes. {MayBeRunning} {Call}", exception.Message);
    }

    [Fact]
    public async Task Read_TokenIsCancelled_SaysThatTheFunctionGoesOn()
    {
        using var source = new CancellationTokenSource();
        using var client = StubbedClient.Streaming(new SilentStream());
        var reading = ReadAsync(client, source.Token);
        await source.CancelAsync();

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => reading);

        Assert.Equal("Reading the answer of my-function was cancelled. The function is not stopped by that.", exception.Message);
        Assert.Equal(source.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task Read_ResponseIsDisposed_SaysSo()
    {
        using var client = StubbedClient.Streaming(new SilentStream());
        var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        var move = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct).MoveNextAsync().AsTask();
        response.Dispose();

        var exception = await Assert.ThrowsAsync<ObjectDisposedException>(() => move);

        Assert.StartsWith("The response, or its enumerator, was disposed before the answer was read to its end.", exception.Message, StringComparison.Ordinal);
        Assert.Equal(nameof(InvokeWithResponseStreamResponse), exception.ObjectName);
    }

    [Fact]
    public async Task Read_TwoMovesAtATime_SaysWhatToDo()
    {
        using var client = StubbedClient.Streaming(new SilentStream());
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        var first = chunks.MoveNextAsync().AsTask();

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => chunks.MoveNextAsync().AsTask());

        Assert.Equal("The previous MoveNextAsync is still in progress. Await it before the next one: a response has one reader.", exception.Message);
        Assert.False(first.IsCompleted);
    }

    [Fact]
    public async Task Chunk_EnumerationMovedOn_SaysWhatToDo()
    {
        using var client = StubbedClient.Streaming(new MemoryStream([.. Messages.Chunk("a"), .. Messages.Chunk("b"), .. Messages.Complete()]));
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var first = chunks.Current;
        await chunks.MoveNextAsync();

        const string Text = "This chunk ended when the enumeration moved on. Copy its bytes while it is current, with ToArray() or CopyTo().";
        Assert.Equal(Text, Assert.Throws<InvalidOperationException>(() => first.Payload).Message);
        Assert.Equal(Text, Assert.Throws<InvalidOperationException>(() => first.Length).Message);
    }

    [Fact]
    public async Task AsStream_WhatItCannotDo_SaysWhy()
    {
        using var client = StubbedClient.Streaming(new MemoryStream([.. Messages.Chunk("a"), .. Messages.Complete()]));
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        await using var stream = response.AsStream();

        const string Synchronous = "An answer can only be read asynchronously: a synchronous read would hold a thread for as long as the function is silent. Use ReadAsync or CopyToAsync.";
        const string Forwards = "An answer can only be read forwards, once.";
        Assert.Equal(Synchronous, Assert.Throws<NotSupportedException>(() => stream.ReadByte()).Message);
        Assert.Equal(Synchronous, Assert.Throws<NotSupportedException>(() => stream.CopyTo(Stream.Null)).Message);
        Assert.Equal(Forwards, Assert.Throws<NotSupportedException>(() => stream.Position).Message);
        Assert.Equal(Forwards, Assert.Throws<NotSupportedException>(() => stream.Seek(0, SeekOrigin.Begin)).Message);
        Assert.Equal("An answer can only be read.", Assert.Throws<NotSupportedException>(() => stream.SetLength(0)).Message);
        Assert.Equal("The length of an answer is not known before its end.", Assert.Throws<NotSupportedException>(() => stream.Length).Message);
        Assert.Equal((true, false, false), (stream.CanRead, stream.CanSeek, stream.CanWrite));
    }

    private static async Task<T> ReadHtmlAsync<T>(byte[] wire, bool breaksOff = false)
        where T : ResponseStreamException
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new PiecewiseStream(wire, () => 1000, breaksOff), HttpStatusCode.OK, ("Content-Type", "text/html")));
        return await Assert.ThrowsAsync<T>(() => ReadAsync(client));
    }

    private static async Task<string> TextOfAsync<T>(byte[] wire, bool breaksOff = false)
        where T : LambdaStreamingException
    {
        using var client = StubbedClient.Streaming(new PiecewiseStream(wire, () => 1000, breaksOff));
        return (await Assert.ThrowsAsync<T>(() => ReadAsync(client))).Message;
    }

    private static async Task ReadAsync(LambdaStreamingClient client, CancellationToken cancellationToken = default)
    {
        using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), CancellationToken.None);
        await foreach (var _ in response.ReadChunksAsync(cancellationToken))
        {
        }
    }

    /// <summary>Never gives anything, until it is cancelled.</summary>
    private sealed class SilentStream : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return 0;
        }
    }
}
