using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using LambdaStreaming.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Http.Tests;

/// <summary>A function that serves HTTP on a local server, and an <see cref="HttpClient"/> that calls it.</summary>
internal sealed class WebFunction : IAsyncDisposable
{
    public const string Name = "web";

    /// <summary>Time after which a wait is considered to hang.</summary>
    public static readonly TimeSpan TooLong = TimeSpan.FromSeconds(20);

    // Longer than TooLong, so that the wait of a test that hangs ends first.
    private static readonly TimeSpan FirstPartTimeout = TimeSpan.FromMinutes(1);

    // Time in which the first part reaches a client that does not call FirstPartSeen.
    private static readonly TimeSpan FirstPartDelay = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _firstPartSeen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FakeTimeProvider? _clock;

    private WebFunction(
        LocalLambdaServer server, Action<LambdaHttpHandlerOptions>? configure, FakeTimeProvider? clock)
    {
        Server = server;
        _clock = clock;
        Client = server.CreateClient();
        var options = new LambdaHttpHandlerOptions { IdleTimeout = TooLong };
        configure?.Invoke(options);
        Handler = new LambdaHttpHandler(Client, Name, options);
        Http = new HttpClient(Handler) { BaseAddress = new Uri("https://web/") };
    }

    public LocalLambdaServer Server { get; }

    public LambdaStreamingClient Client { get; }

    public LambdaHttpHandler Handler { get; }

    public HttpClient Http { get; }

    public LocalFunction Function { get; private set; } = null!;

    /// <summary>The fault in the middle of a response, if there is one.</summary>
    public Fault? Fault { get; private set; }

    /// <summary>How often the function was called.</summary>
    public int Calls => Server.Requests.Count;

    public static Task<WebFunction> StartAsync(
        HttpFunction function,
        Action<LambdaHttpHandlerOptions>? configure = null,
        FakeTimeProvider? clock = null) =>
        StartAsync((_, request, response, token) => function(request, response, token), configure, clock);

    /// <summary>Starts a function whose responses fail in the middle, unless the fault is <c>null</c>.</summary>
    public static async Task<WebFunction> StartAsync(
        Func<WebFunction, HttpFunctionRequest, HttpFunctionResponse, CancellationToken, Task> function,
        Fault? fault)
    {
        var web = await StartAsync(function, configure: null, CreateClock(fault));
        if (fault is { } injected) web.Inject(injected);
        return web;
    }

    /// <param name="function">The function, which can wait for the client with <see cref="MiddleAsync"/>.</param>
    /// <param name="configure">Sets options of the handler.</param>
    /// <param name="clock">
    /// The clock of client and server, or <c>null</c> for that of the machine. It moves only while the function is idle
    /// as injected, so that a pause of the machine is not an idle time.
    /// </param>
    public static async Task<WebFunction> StartAsync(
        Func<WebFunction, HttpFunctionRequest, HttpFunctionResponse, CancellationToken, Task> function,
        Action<LambdaHttpHandlerOptions>? configure = null,
        FakeTimeProvider? clock = null)
    {
        WebFunction? web = null;
        return web = await StartRawAsync(
            async (invocation, response, cancellationToken) =>
            {
                using var json = JsonDocument.Parse(invocation.Payload);
                var http = new HttpFunctionResponse(response);
                await function(web!, new HttpFunctionRequest(json.RootElement), http, cancellationToken);
                await http.StartAsync(cancellationToken);
            },
            configure,
            clock);
    }

    /// <summary>Starts a function that reads the payload and writes the chunks itself.</summary>
    public static async Task<WebFunction> StartRawAsync(
        FunctionHandler function,
        Action<LambdaHttpHandlerOptions>? configure = null,
        FakeTimeProvider? clock = null)
    {
        var token = TestContext.Current.CancellationToken;
        var server = await LocalLambdaServer.StartAsync(
            options =>
            {
                options.SendFunctionContentType = true;
                options.TimeProvider = clock ?? options.TimeProvider;
            },
            token);
        return new WebFunction(server, configure, clock) { Function = server.AddFunction(Name, function) };
    }

    /// <summary>Creates the clock for a fault that needs one.</summary>
    public static FakeTimeProvider? CreateClock(Fault? fault) =>
        fault == Tests.Fault.Idle ? new FakeTimeProvider(DateTimeOffset.UtcNow) : null;

    /// <summary>Makes every call fail in the middle: after the prelude and one chunk.</summary>
    public void Inject(Fault fault)
    {
        const int Chunks = HttpFunctionResponse.PreludeChunks + 1;
        Fault = fault;
        if (fault == Tests.Fault.ServiceError)
            Function.OnEveryCall().ExceptionAfterChunks(Chunks, "InternalFailure", "injected");
        if (fault == Tests.Fault.Corrupt)
            Function.OnEveryCall().BytesAfterChunks(Chunks, new byte[16]);
    }

    /// <summary>For the function: waits until the client has seen the first part, or fails as injected.</summary>
    [SuppressMessage("Usage", "VSTHRD003", Justification = "That is the purpose.")]
    public async Task MiddleAsync(HttpFunctionResponse response, CancellationToken cancellationToken)
    {
        if (Fault is null) await _firstPartSeen.Task.WaitAsync(FirstPartTimeout, cancellationToken);
        else if (Fault == Tests.Fault.Idle) await PassTimeAsync(cancellationToken);
        else await FailAsync(response, Fault.Value, cancellationToken);
    }

    /// <summary>For the client: the first part has arrived, so the function can write the second.</summary>
    public void FirstPartSeen() => _firstPartSeen.TrySetResult();

    private async Task FailAsync(HttpFunctionResponse response, Fault fault, CancellationToken cancellationToken)
    {
        // Windows discards the bytes before a reset that the client has not read.
        if (fault == Tests.Fault.Reset && OperatingSystem.IsWindows()) await WaitForFirstPartAsync(cancellationToken);
        await response.FailAsync(fault, cancellationToken);
    }

    private async Task PassTimeAsync(CancellationToken cancellationToken)
    {
        // The clock of the client must not move while the first part is in transit.
        await WaitForFirstPartAsync(cancellationToken);
        while (true)
        {
            await Task.Delay(50, cancellationToken);
            _clock!.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [SuppressMessage("Usage", "VSTHRD003", Justification = "That is the purpose.")]
    private Task WaitForFirstPartAsync(CancellationToken cancellationToken) =>
        Task.WhenAny(_firstPartSeen.Task, Task.Delay(FirstPartDelay, cancellationToken));

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Client.Dispose();
        await Server.DisposeAsync();
    }
}
