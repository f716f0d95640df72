using System.Text.Json;
using Moq;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Extension methods that invoke a function and read its response in one call.</summary>
public sealed class ClientExtensionTests : IDisposable
{
    private readonly Mock<ILambdaStreamingClient> _client = new(MockBehavior.Strict);
    private readonly List<InvokeWithResponseStreamRequest> _requests = [];
    private WatchedStream? _stream;

    /// <summary>Every method, as a function that calls it and returns the enumeration of its result.</summary>
    private static Dictionary<string, Func<ILambdaStreamingClient, Func<Task>>> Calls => new(StringComparer.Ordinal)
    {
        ["text"] = client => Enumerate(client.InvokeTextAsync("f", "{}")),
        ["text, typed payload"] = client => Enumerate(client.InvokeTextAsync("f", true, TestJson.Default.Boolean)),
        ["text, request"] = client => Enumerate(client.InvokeTextAsync(Request)),
        ["lines"] = client => Enumerate(client.InvokeLinesAsync("f", "{}")),
        ["lines, typed payload"] = client => Enumerate(client.InvokeLinesAsync("f", true, TestJson.Default.Boolean)),
        ["lines, request"] = client => Enumerate(client.InvokeLinesAsync(Request)),
        ["values"] = client => Enumerate(client.InvokeJsonValuesAsync("json", "{}", TestJson.Default.Int32)),
        ["values, request"] = client => Enumerate(client.InvokeJsonValuesAsync(JsonRequest, TestJson.Default.Int32)),
        ["values, typed payload"] = client => Enumerate(
            client.InvokeJsonValuesAsync("json", true, TestJson.Default.Boolean, TestJson.Default.Int32)),
        ["events"] = client => Enumerate(client.InvokeServerSentEventsAsync("f", "{}")),
        ["events, request"] = client => Enumerate(client.InvokeServerSentEventsAsync(Request)),
        ["typed events"] = client => Enumerate(
            client.InvokeServerSentEventsAsync("f", "{}", TestJson.Default.Int32)),
        ["typed events, typed payload"] = client => Enumerate(
            client.InvokeServerSentEventsAsync("f", true, TestJson.Default.Boolean, TestJson.Default.Int32)),
        ["typed events, request"] = client => Enumerate(
            client.InvokeServerSentEventsAsync(Request, TestJson.Default.Int32)),
    };

    private static InvokeWithResponseStreamRequest Request => new("f");

    private static InvokeWithResponseStreamRequest JsonRequest => new("json");

    public static TheoryData<string> OneLiners => [.. Calls.Keys];

    public void Dispose() => _stream?.Dispose();

    [Fact]
    public async Task InvokeTextAsync_TwoOverloads_YieldTheText()
    {
        SetUpResponse("a€");

        Assert.Equal(
            "a€",
            string.Concat(await LimitTests.ToListAsync(_client.Object.InvokeTextAsync("chat", "{}", null))));
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

        Assert.Equal(["a", "b"], await LimitTests.ToListAsync(_client.Object.InvokeLinesAsync("chat", "{}", null)));
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
    public async Task InvokeJsonValuesAsync_TypedPayload_IsSerialized()
    {
        SetUpResponse("1\n2");
        var (payload, token, type) = (new Token(3, "a"), TestJson.Default.Token, TestJson.Default.Int32);

        Assert.Equal(
            [1, 2],
            await LimitTests.ToListAsync(_client.Object.InvokeJsonValuesAsync("chat", payload, token, type)));

        var request = Assert.Single(_requests);
        Assert.Equal("chat", request.FunctionName);
        Assert.Equal("""{"N":3,"S":"a"}"""u8.ToArray(), request.Payload.ToArray());
    }

    // A user's text needs no escaping by the caller.
    [Fact]
    public async Task Invoke_TypedPayload_IsSerialized()
    {
        SetUpResponse("data: 1\n\n");
        var (payload, token) = (new Token(3, "\"},{\""), TestJson.Default.Token);

        var text = await LimitTests.ToListAsync(_client.Object.InvokeTextAsync("chat", payload, token));
        var lines = await LimitTests.ToListAsync(_client.Object.InvokeLinesAsync("chat", payload, token));
        var events = await LimitTests.ToListAsync(
            _client.Object.InvokeServerSentEventsAsync("chat", payload, token, TestJson.Default.Int32));

        Assert.Equal("data: 1\n\n", string.Concat(text));
        Assert.Equal(["data: 1", ""], lines);
        Assert.Equal([1], events.Select(item => item.Data));
        Assert.Equal(3, _requests.Count);
        Assert.All(_requests, request =>
            Assert.Equal(payload, JsonSerializer.Deserialize(request.Payload.Span, token)));
    }

    [Fact]
    public async Task InvokeServerSentEventsAsync_TypedEvents_YieldsTheData()
    {
        SetUpResponse("event: number\ndata: 1\n\ndata: 2\n\ndata: [DONE]\n\n");
        var type = TestJson.Default.Int32;

        var first = await LimitTests.ToListAsync(_client.Object.InvokeServerSentEventsAsync("chat", "{}", type));
        var second = await LimitTests.ToListAsync(
            _client.Object.InvokeServerSentEventsAsync(new InvokeWithResponseStreamRequest("chat"), type));

        Assert.Equal([("number", 1), ("message", 2)], first.Select(item => (item.EventType, item.Data)));
        Assert.Equal([1, 2], second.Select(item => item.Data));
        Assert.Equal("{}"u8.ToArray(), _requests[0].Payload.ToArray());
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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task InvokeTextAsync_CancelledWhenTheClientHasTheResponse_ThrowsWithTheCallersToken(bool ofEnumerator)
    {
        using var cancellation = new CancellationTokenSource();
        _client
            .Setup(client => client.InvokeWithResponseStreamAsync(
                It.IsAny<InvokeWithResponseStreamRequest>(), It.IsAny<CancellationToken>()))
            .Returns(async (InvokeWithResponseStreamRequest _, CancellationToken linked) =>
            {
                _stream = new WatchedStream(Wire.Create("abc"u8.ToArray()));
                var response = InvokeWithResponseStreamResponse.Create(_stream);
                // The client registers its token at the response, too.
                response.RegisterCancellation(linked);
                await cancellation.CancelAsync();
                return response;
            });
        var text = ofEnumerator
            ? _client.Object.InvokeTextAsync("chat", "{}").WithCancellation(cancellation.Token)
            : _client.Object.InvokeTextAsync("chat", "{}", cancellationToken: cancellation.Token)
                .WithCancellation(CancellationToken.None);
        await using var enumerator = text.GetAsyncEnumerator();

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(
            async () => await enumerator.MoveNextAsync());

        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.True(_stream!.IsDisposed);
    }

    // Code of the caller, such as a handler, can register a callback for the token of the call.
    [Fact]
    public async Task DisposeAsync_CallbackOfTheCallThrows_IsIgnored()
    {
        var called = new TaskCompletionSource();
        _client
            .Setup(client => client.InvokeWithResponseStreamAsync(
                It.IsAny<InvokeWithResponseStreamRequest>(), It.IsAny<CancellationToken>()))
            .Returns(async (InvokeWithResponseStreamRequest _, CancellationToken token) =>
            {
                await using var registration = token.UnsafeRegister(_ => throw new TimeZoneNotFoundException(), null);
                called.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, token);
                throw new InvalidOperationException("The call was not cancelled.");
            });
        var texts = _client.Object.InvokeTextAsync("chat").GetAsyncEnumerator();
        var move = texts.MoveNextAsync().AsTask();
        await called.Task;

        await texts.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(
            () => move.WaitAsync(LocalService.TooLong, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task InvokeTextAsync_NoPayload_SendsAnEmptyPayload()
    {
        SetUpResponse("a");
        var client = _client.Object;

        await LimitTests.ToListAsync(client.InvokeTextAsync("chat"));
        await LimitTests.ToListAsync(client.InvokeLinesAsync("chat"));
        await LimitTests.ToListAsync(client.InvokeServerSentEventsAsync("chat"));

        Assert.Equal(3, _requests.Count);
        Assert.All(_requests, request => Assert.True(request.Payload.IsEmpty));
    }

    [Theory, MemberData(nameof(OneLiners))]
    public async Task Invoke_EnumeratedTwice_InvokesOncePerEnumeration(string name)
    {
        SetUpResponse("data: 1\n\n", json: "1");

        var enumerate = Calls[name](_client.Object);
        Assert.Empty(_requests);

        await enumerate();
        Assert.Single(_requests);

        await enumerate();
        Assert.Equal(2, _requests.Count);
    }

    [Fact]
    public void InvokeTextAsync_ClientIsNull_ThrowsImmediately() => Assert.Throws<ArgumentNullException>(
        "client",
        () => ((ILambdaStreamingClient)null!).InvokeTextAsync("chat", "{}"));

    [Fact]
    public void Calls_ContainEachMethod() => Assert.Equal(
        typeof(LambdaStreamingClientExtensions).GetMethods().Count(method => method.IsStatic),
        Calls.Count);

    private static Func<Task> Enumerate<T>(IAsyncEnumerable<T> items) => () => LimitTests.ToListAsync(items);

    // The function "json" returns another payload, if there is one.
    private void SetUpResponse(string payload, string? json = null) => _client
        .Setup(client => client.InvokeWithResponseStreamAsync(Capture.In(_requests), It.IsAny<CancellationToken>()))
        .Returns((InvokeWithResponseStreamRequest request, CancellationToken _) =>
        {
            var text = request.FunctionName == "json" && json is not null ? json : payload;
            _stream = new WatchedStream(Wire.Create(System.Text.Encoding.UTF8.GetBytes(text)));
            return Task.FromResult(InvokeWithResponseStreamResponse.Create(_stream));
        });
}
