using Moq;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Extension methods that invoke a function and read its response in one call.</summary>
public sealed class ClientExtensionTests : IDisposable
{
    private readonly Mock<ILambdaStreamingClient> _client = new(MockBehavior.Strict);
    private readonly List<InvokeWithResponseStreamRequest> _requests = [];
    private WatchedStream? _stream;

    public void Dispose() => _stream?.Dispose();

    [Fact]
    public async Task InvokeTextAsync_TwoOverloads_YieldTheText()
    {
        SetUpResponse("a€");

        Assert.Equal("a€", string.Concat(await LimitTests.ToListAsync(_client.Object.InvokeTextAsync("chat", "{}"))));
        Assert.Equal("a€", string.Concat(await LimitTests.ToListAsync(
            _client.Object.InvokeTextAsync(new InvokeWithResponseStreamRequest("chat") { Qualifier = "live" }))));

        Assert.Equal("chat", _requests[0].FunctionName);
        Assert.Equal("{}"u8.ToArray(), _requests[0].Payload.ToArray());
        Assert.Equal("live", _requests[1].Qualifier);
    }

    [Fact]
    public async Task InvokeLinesAsync_TwoLines_YieldsBoth()
    {
        SetUpResponse("a\nb");

        Assert.Equal(["a", "b"], await LimitTests.ToListAsync(_client.Object.InvokeLinesAsync("chat", "{}")));
        Assert.Equal(
            ["a", "b"],
            await LimitTests.ToListAsync(_client.Object.InvokeLinesAsync(new InvokeWithResponseStreamRequest("chat"))));
    }

    [Fact]
    public async Task InvokeJsonValuesAsync_TwoValues_YieldsBoth()
    {
        SetUpResponse("1\n2");

        var request = new InvokeWithResponseStreamRequest("chat");
        var type = TestJson.Default.Int32;

        Assert.Equal([1, 2], await LimitTests.ToListAsync(_client.Object.InvokeJsonValuesAsync("chat", "{}", type)));
        Assert.Equal([1, 2], await LimitTests.ToListAsync(_client.Object.InvokeJsonValuesAsync(request, type)));
    }

    [Fact]
    public async Task InvokeServerSentEventsAsync_TwoEvents_YieldsBoth()
    {
        SetUpResponse("data: 1\n\ndata: 2\n\n");

        var request = new InvokeWithResponseStreamRequest("chat");

        var first = await LimitTests.ToListAsync(_client.Object.InvokeServerSentEventsAsync("chat", "{}"));
        var second = await LimitTests.ToListAsync(_client.Object.InvokeServerSentEventsAsync(request));

        Assert.Equal(["1", "2"], first.Select(item => item.Data));
        Assert.Equal(["1", "2"], second.Select(item => item.Data));
    }

    [Fact]
    public async Task Invoke_ReadOptionsAreSet_AreApplied()
    {
        SetUpResponse("[1]\n[2]\n");
        var client = _client.Object;
        var lines = new PayloadReadOptions { MaxLineBytes = 1 };
        var json = new PayloadReadOptions { JsonFormat = JsonSequenceFormat.Lines };
        var events = new PayloadReadOptions { MaxEventBytes = 1 };
        var text = new PayloadReadOptions { Encoding = System.Text.Encoding.BigEndianUnicode };

        await Assert.ThrowsAsync<PayloadLimitExceededException>(
            () => LimitTests.ToListAsync(client.InvokeLinesAsync("chat", "{}", lines)));
        await Assert.ThrowsAsync<PayloadLimitExceededException>(
            () => LimitTests.ToListAsync(client.InvokeServerSentEventsAsync("chat", "{}", events)));
        Assert.Equal(
            [[1], [2]],
            await LimitTests.ToListAsync(
                client.InvokeJsonValuesAsync("chat", "{}", TestJson.Default.Int32Array, json)));
        Assert.Equal(
            "\u5B31\u5D0A\u5B32\u5D0A",
            string.Concat(await LimitTests.ToListAsync(client.InvokeTextAsync("chat", "{}", text))));
    }

    [Fact]
    public void InvokeLinesAsync_OptionIsInvalid_ThrowsBeforeSending()
    {
        var options = new PayloadReadOptions { MaxLineBytes = 0 };

        Assert.Throws<ArgumentException>(
            nameof(PayloadReadOptions.MaxLineBytes),
            () => _client.Object.InvokeLinesAsync("chat", "{}", options));
    }

    [Fact]
    public async Task InvokeTextAsync_LoopBreaks_DisposesTheResponse()
    {
        SetUpResponse("abc");

        await foreach (var _ in _client.Object.InvokeTextAsync("chat", "{}")) break;

        Assert.True(_stream!.IsDisposed);
    }

    [Fact]
    public void InvokeTextAsync_NotEnumerated_SendsNothing()
    {
        _client.Object.InvokeTextAsync("chat", "{}");

        Assert.Empty(_requests);
    }

    [Fact]
    public void InvokeTextAsync_ClientIsNull_ThrowsImmediately() => Assert.Throws<ArgumentNullException>(
        "client",
        () => ((ILambdaStreamingClient)null!).InvokeTextAsync("chat", "{}"));

    private void SetUpResponse(string payload) => _client
        .Setup(client => client.InvokeWithResponseStreamAsync(Capture.In(_requests), It.IsAny<CancellationToken>()))
        .Returns(() =>
        {
            _stream = new WatchedStream(Wire.Create(System.Text.Encoding.UTF8.GetBytes(payload)));
            return Task.FromResult(InvokeWithResponseStreamResponse.Create(_stream));
        });
}
