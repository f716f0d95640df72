using System.IO.Pipelines;
using System.Text;
using System.Threading.Channels;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Delivery of each element as soon as its last byte arrives, although the function then stays idle.</summary>
public class PayloadPromptnessTests
{
    private readonly Channel<ReadOnlyMemory<byte>> _chunks = Channel.CreateUnbounded<ReadOnlyMemory<byte>>(
        new UnboundedChannelOptions { AllowSynchronousContinuations = true });

    public static TheoryData<string, string> CompleteValues => new()
    {
        { "{\"a\":1}", "{\"a\":1}" },
        { " [1]", "" },
        { "[1,", "1" },
        { "[\"a\"", "\"a\"" },
        { "[{\"a\":[]}", "{\"a\":[]}" },
        { "\"a\\\"\"", "\"a\\\"\"" },
        { "true", "true" },
        { "12 ", "12" },
        { "12{", "12" },
    };

    [Theory, MemberData(nameof(CompleteValues))]
    public async Task ReadJsonValuesAsync_LastByteArrived_DeliversTheValue(string sent, string value)
    {
        await using var response = Open();
        Send(sent);

        var options = new PayloadReadOptions
        {
            JsonFormat = sent[0] == ' ' ? JsonSequenceFormat.Concatenated : JsonSequenceFormat.Auto,
        };
        await using var values =
            response.ReadJsonValuesAsync(TestJson.Default.JsonElement, options).GetAsyncEnumerator();
        Assert.True(await values.MoveNextAsync());

        Assert.Equal(value.Length > 0 ? value : sent.Trim(), values.Current.GetRawText());
    }

    [Theory, InlineData(JsonSequenceFormat.Lines), InlineData(JsonSequenceFormat.Concatenated)]
    public async Task ReadJsonValuesAsync_NumberMightContinue_WaitsForTheNextByte(JsonSequenceFormat format)
    {
        await using var response = Open();
        Send("12");
        var options = new PayloadReadOptions { JsonFormat = format };
        await using var values = response.ReadJsonValuesAsync(TestJson.Default.Int32, options).GetAsyncEnumerator();

        var moving = values.MoveNextAsync().AsTask();
        Assert.False(moving.IsCompleted);
        Send("3\n");

        Assert.True(await moving);
        Assert.Equal(123, values.Current);
    }

    [Fact]
    public async Task ReadLinesAsync_LineEndArrived_DeliversTheLine()
    {
        await using var response = Open();
        Send("a\nb");
        var lines = response.ReadLinesAsync().GetAsyncEnumerator();

        Assert.True(await lines.MoveNextAsync());
        Assert.Equal("a", lines.Current);

        var moving = lines.MoveNextAsync().AsTask();
        Assert.False(moving.IsCompleted);
        await response.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => moving);
    }

    [Fact]
    public async Task ReadTextAsync_PartOfACharacterArrived_DeliversTheTextBeforeIt()
    {
        await using var response = Open();
        _chunks.Writer.TryWrite(new byte[] { (byte)'a', 0xE2, 0x82 });
        await using var text = response.ReadTextAsync().GetAsyncEnumerator();

        Assert.True(await text.MoveNextAsync());
        Assert.Equal("a", text.Current);
    }

    [Theory]
    [InlineData("data: 1\n\n")]
    [InlineData("data: 1\r\r")]
    [InlineData("data: 1\r\n\r")]
    [InlineData("data: 1\r\n\n")]
    public async Task ReadServerSentEventsAsync_EndOfEventArrived_DeliversTheEvent(string sent)
    {
        await using var response = Open();
        Send(sent);
        await using var events = response.ReadServerSentEventsAsync().GetAsyncEnumerator();

        var moving = events.MoveNextAsync().AsTask();
        Assert.True(await moving.WaitAsync(LocalService.TooLong, TestContext.Current.CancellationToken));
        Assert.Equal("1", events.Current.Data);
    }

    [Fact]
    public async Task ReadHttpIntegrationResponseAsync_EndOfPreludeArrived_ReturnsStatusAndHeaders()
    {
        await using var response = Open();
        Send("{\"statusCode\":202}\0\0\0\0\0\0\0\0");

        var http = await response.ReadHttpIntegrationResponseAsync();

        Assert.Equal(202, (int)http.StatusCode);
        var read = http.Body.ReadAsync(new byte[1]).AsTask();
        Assert.False(read.IsCompleted);
        await http.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => read);
    }

    [Fact]
    public async Task ReadHttpIntegrationResponseAsync_FirstByteIsNotAPrelude_BodyCanBeRead()
    {
        await using var response = Open();
        Send("h");

        var http = await response.ReadHttpIntegrationResponseAsync();

        Assert.Equal(1, await http.Body.ReadAsync(new byte[9]));
    }

    [Fact]
    public async Task CopyToAsync_FunctionIsIdle_FlushesEverything()
    {
        await using var response = Open();
        using var destination = new FlushedStream();
        var copy = response.CopyToAsync(destination);

        Send("a");
        Assert.Equal("a", destination.Flushed);
        Send("b");
        Assert.Equal("ab", destination.Flushed);
        _chunks.Writer.Complete();
        await copy;

        Assert.Equal("ab", destination.Flushed);
    }

    [Fact]
    public async Task CopyToAsync_PipeIsFull_StopsReading()
    {
        var pipe = new Pipe(new PipeOptions(
            pauseWriterThreshold: 4,
            resumeWriterThreshold: 2,
            useSynchronizationContext: false,
            readerScheduler: PipeScheduler.Inline,
            writerScheduler: PipeScheduler.Inline));
        await using var response = Open();
        var copy = response.CopyToAsync(pipe.Writer);

        Send("abcd");
        Send("e");
        Assert.Equal(1, _chunks.Reader.Count);
        var read = await pipe.Reader.ReadAsync();
        Assert.Equal(4, read.Buffer.Length);
        pipe.Reader.AdvanceTo(read.Buffer.End);
        Assert.Equal(0, _chunks.Reader.Count);

        _chunks.Writer.Complete();
        await copy;
    }

    [Fact]
    public async Task CopyToAsync_PipeReaderIsCompletedWhileIdle_EndsAtTheNextWrite()
    {
        var pipe = new Pipe();
        await using var response = Open();
        var copy = response.CopyToAsync(pipe.Writer);
        await pipe.Reader.CompleteAsync();
        Assert.False(copy.IsCompleted);

        Send("a");
        await copy;

        Assert.Null(response.InvokeComplete);
    }

    // Continuations run on the thread that writes the chunk, so that no test waits for another thread.
    private InvokeWithResponseStreamResponse Open()
    {
        return InvokeWithResponseStreamResponse.Create(ReadAsync());

        async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync()
        {
            await foreach (var chunk in _chunks.Reader.ReadAllAsync()) yield return chunk;
        }
    }

    private void Send(string text) => _chunks.Writer.TryWrite(Encoding.UTF8.GetBytes(text));
}
