using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using LambdaStreaming.AspNetCore.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.HtmlRendering.Infrastructure;
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.AspNetCore.Components.RenderTree;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming.Docs.Tests;

#pragma warning disable BL0006 // A test needs the types of a renderer.

/// <summary>The code in docs/aspnetcore.md that sends a response in other ways, complete and truncated.</summary>
public sealed class UserInterfaceSnippets
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Registration()
    {
        // The registered client finds the function on the local server of the environment.
        await using var web = await WebApp.StartAsync(
            _ => { },
            app => app.MapLambdaStream("/chat", "my-function"),
            services: builder =>
            {
                var services = (IList<ServiceDescriptor>)builder.Services;
                services.Remove(services.Single(service => service.ServiceType == typeof(ILambdaStreamingClient)));

                // begin: aspnetcore-client
                builder.Services.AddLambdaStreamingClient(options => options.IdleTimeout = TimeSpan.FromMinutes(1));
                // end: aspnetcore-client
            });

        using var response = await web.Browser.PostAsJsonAsync("/chat", "{}", Ct);

        Assert.Equal("Hello, world", await response.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task KeyedClient()
    {
        // The client of WebApp has no function. The keyed client calls the local server of the environment.
        await using var web = await WebApp.StartAsync(
            _ => { },
            app =>
            {
                // begin: aspnetcore-keyed
                app.MapLambdaStream("/eu/chat", "my-function", options =>
                {
                    options.Client = http => http.RequestServices.GetRequiredKeyedService<ILambdaStreamingClient>("eu");
                });
                // end: aspnetcore-keyed
            },
            services: builder => builder.Services.AddLambdaStreamingClient("eu"));

        using var response = await web.Browser.PostAsJsonAsync("/eu/chat", "{}", Ct);

        Assert.Equal("Hello, world", await response.Content.ReadAsStringAsync(Ct));
    }

    [Theory]
    [InlineData("complete", "Hello, world", "Complete")]
    [InlineData("truncated", "Hello, ", "Incomplete")]
    [InlineData("throttled", "", "The function cannot accept the request now. Try again later.")]
    [InlineData("unmapped", "", "The server responded with status 404.")]
    public async Task Fetch(string response, string expectedText, string expectedState)
    {
        Assert.SkipUnless(Interop.Runs("node", "--version"), "Needs node.");
        await using var web = await StartAsync(
            response == "truncated",
            app =>
            {
                if (response != "unmapped") app.MapLambdaStream("/chat", "my-function");
            });
        if (response == "throttled") web.Lambda.AddFunction("my-function").OnEveryCall().Throttle();
        const string Script = """
            // begin: aspnetcore-fetch
            // Sends a prompt and shows the response in two elements of the page: its text and its state.
            async function ask(prompt, text, state, signal) {
              try {
                const response = await fetch("/chat", {
                  method: "POST",
                  headers: { "Content-Type": "application/json" },
                  body: JSON.stringify({ prompt }),
                  signal,   // of an AbortController, for a stop button
                });
                if (!response.ok) {
                  // The function has not responded. Errors of MapLambdaStream are ProblemDetails.
                  const problem = await response.json().catch(() => ({}));
                  state.textContent = problem.detail ?? `The server responded with status ${response.status}.`;
                  return;
                }
                const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
                for (let part; !(part = await reader.read()).done;) text.textContent += part.value;
                state.textContent = "Complete";
              } catch {
                // No connection, an incomplete response, or the stop button. Keep the text.
                state.textContent = "Incomplete";
              }
            }
            // end: aspnetcore-fetch

            const { fetch: send } = globalThis;
            globalThis.fetch = (path, options) => send(new URL(path, process.argv.at(-1)), options);
            const [text, state] = [{ textContent: "" }, { textContent: "" }];
            await ask("Hello", text, state);
            console.log(JSON.stringify([text.textContent, state.textContent]));
            """;

        var output = await Interop.RunAsync(
            web.Lambda, "node", "--input-type=module", "--eval", Script, web.Url.ToString());

        var shown = JsonSerializer.Deserialize<string[]>(output)!;
        Assert.Equal(expectedState, shown[1]);

        // A client discards text that the page has not read when the connection is closed.
        if (response == "truncated") Assert.StartsWith(shown[0], expectedText, StringComparison.Ordinal);
        else Assert.Equal(expectedText, shown[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ServerSentEvents(bool isTruncated)
    {
        await using var web = await StartAsync(isTruncated, app =>
        {
            // begin: aspnetcore-sse-result
            app.MapGet("/story", (ILambdaStreamingClient client, CancellationToken cancellationToken) =>
                TypedResults.ServerSentEvents(
                    client.InvokeTextAsync("my-function", "{}", cancellationToken: cancellationToken)));
            // end: aspnetcore-sse-result
        });

        var (response, _) = await web.SendRawAsync("GET /story HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

        Assert.Contains("data: Hello, \n\n", response, StringComparison.Ordinal);
        Assert.Equal(!isTruncated, response.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ServerSentEvents_FailsBeforeFirstEvent_Returns500()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("my-function").RespondWithError("TooManyRequestsException"),
            app => app.MapGet("/story", (ILambdaStreamingClient client, CancellationToken cancellationToken) =>
                TypedResults.ServerSentEvents(
                    client.InvokeTextAsync("my-function", "{}", cancellationToken: cancellationToken))));

        using var response = await web.Browser.GetAsync("/story", Ct);

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
    }

    [Theory]
    [InlineData(false, null)]
    [InlineData(true, "An error occurred on the server while streaming results.")]
    public async Task SignalR(bool isTruncated, string? expectedError)
    {
        await using var web = await StartAsync(
            isTruncated,
            app => app.MapHub<StoryHub>("/hub"),
            services => services.AddSignalR());
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(web.Url) { Scheme = "ws", Path = "/hub" }.Uri, Ct);
        await SendAsync("""{"protocol":"json","version":1}""");
        await SendAsync("""{"type":4,"invocationId":"1","target":"Tell","arguments":["?"]}""");

        var messages = await ReadToCompletionAsync(socket);

        var text = messages.Where(message => message.Contains("\"type\":2", StringComparison.Ordinal))
            .Select(message => JsonDocument.Parse(message).RootElement.GetProperty("item").GetString());
        Assert.Equal(isTruncated ? "Hello, " : "Hello, world", string.Concat(text));
        var completion = JsonDocument.Parse(messages[^1]).RootElement;
        Assert.Equal(3, completion.GetProperty("type").GetInt32());
        Assert.Equal(expectedError, completion.TryGetProperty("error", out var error) ? error.GetString() : null);

        async Task SendAsync(string message) =>
            await socket.SendAsync(Encoding.UTF8.GetBytes(message + "\u001e"), WebSocketMessageType.Text, true, Ct);
    }

    /// <summary>A page load: the component is prerendered, and then rendered again when the circuit starts.</summary>
    [Theory]
    [InlineData(false, "<p>Hello, world</p>")]
    [InlineData(true, "<p>Hello, </p><p role=\"alert\">The response is incomplete.</p>")]
    public async Task Blazor(bool isTruncated, string expected)
    {
        await using var web = await StartAsync(isTruncated, _ => { });
        using var client = web.Lambda.CreateClient();
        await using var services = new ServiceCollection()
            .AddSingleton<ILambdaStreamingClient>(client)
            .BuildServiceProvider();
        await using var prerenderer = new HtmlRenderer(services, NullLoggerFactory.Instance);
        await using var renderer = new InteractiveRenderer(services);

        var prerendered = await prerenderer.Dispatcher.InvokeAsync(async () =>
            (await prerenderer.RenderComponentAsync<Story>()).ToHtmlString());
        await renderer.RenderUntilAsync<Story>(expected);

        Assert.Equal("<p></p>", prerendered);
        Assert.Single(web.Lambda.Requests);
    }

    private static async Task<List<string>> ReadToCompletionAsync(WebSocket socket)
    {
        var received = "";
        var buffer = new byte[4096];
        while (true)
        {
            var messages = received.Split('\u001e', StringSplitOptions.RemoveEmptyEntries).ToList();
            var isCompleted = messages.Any(message => message.Contains("\"type\":3", StringComparison.Ordinal));
            if (isCompleted && received.EndsWith('\u001e')) return messages;
            var part = await socket.ReceiveAsync(buffer, Ct);
            received += Encoding.UTF8.GetString(buffer, 0, part.Count);
        }
    }

    private static Task<WebApp> StartAsync(
        bool isTruncated,
        Action<WebApplication> map,
        Action<IServiceCollection>? services = null) => WebApp.StartAsync(
        options => options.AddFunction("my-function", async (invocation, response, token) =>
        {
            if (!isTruncated)
            {
                await RespondAsync(invocation, response, token);
                return;
            }

            await response.WriteTextAsync("Hello, ", token);
            await response.AbortAsync(TruncationMode.EndOfBody, token);
        }),
        map,
        services: builder => services?.Invoke(builder.Services));

    private static async Task RespondAsync(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        await response.WriteTextAsync("Hello, ", cancellationToken);
        await response.WriteTextAsync("world", cancellationToken);
    }
}

/// <summary>Renders a component as a circuit does: unlike prerendering, it calls <c>OnAfterRenderAsync</c>.</summary>
internal sealed class InteractiveRenderer(IServiceProvider services)
    : StaticHtmlRenderer(services, NullLoggerFactory.Instance)
{
    private readonly SemaphoreSlim _rendered = new(0);

    /// <summary>Renders a component until its HTML is the expected one.</summary>
    /// <exception cref="TimeoutException">The component was not rendered again, and its HTML differs.</exception>
    public async Task RenderUntilAsync<TComponent>(string expected)
        where TComponent : IComponent
    {
        var root = await Dispatcher.InvokeAsync(() => BeginRenderingComponent(typeof(TComponent), ParameterView.Empty));
        while (await Dispatcher.InvokeAsync(root.ToHtmlString) is var html && html != expected)
        {
            if (!await _rendered.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken))
                throw new TimeoutException($"The component remained {html}.");
        }
    }

    // A task that has completed means that the browser shows the component. That of the base class is cancelled.
    protected override Task UpdateDisplayAsync(in RenderBatch renderBatch)
    {
        _rendered.Release();
        return Task.CompletedTask;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing) _rendered.Dispose();
    }
}

// begin: aspnetcore-signalr
public sealed class StoryHub(ILambdaStreamingClient client) : Hub
{
    public IAsyncEnumerable<string> Tell(string prompt, CancellationToken cancellationToken)
    {
        var request = InvokeWithResponseStreamRequest.Create("my-function", prompt, TickerJson.Default.String);
        return client.InvokeTextAsync(request, cancellationToken: cancellationToken);
    }
}
// end: aspnetcore-signalr

// begin: aspnetcore-blazor
public sealed class Story(ILambdaStreamingClient client) : ComponentBase, IDisposable
{
    private readonly CancellationTokenSource _disposed = new();
    private string _text = "";
    private string? _error;

    public void Dispose()
    {
        _disposed.Cancel();
        _disposed.Dispose();
    }

    // Unlike OnInitializedAsync, this method is not called during prerendering.
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        try
        {
            var parts = client.InvokeTextAsync("my-function", "{}", cancellationToken: _disposed.Token);
            await foreach (var part in parts)
            {
                _text += part;
                StateHasChanged();
            }
        }
        catch (LambdaStreamingException)
        {
            _error = "The response is incomplete.";
            StateHasChanged();
        }
    }

    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        builder.OpenElement(0, "p");
        builder.AddContent(1, _text);
        builder.CloseElement();
        if (_error is null) return;
        builder.OpenElement(2, "p");
        builder.AddAttribute(3, "role", "alert");
        builder.AddContent(4, _error);
        builder.CloseElement();
    }
}
// end: aspnetcore-blazor
