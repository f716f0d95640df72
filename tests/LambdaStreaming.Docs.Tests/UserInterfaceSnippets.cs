using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using LambdaStreaming.AspNetCore.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming.Docs.Tests;

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

    [Theory]
    [InlineData(false, "<p>Hello, world</p>")]
    [InlineData(true, "<p>Hello, </p><p role=\"alert\">The response is incomplete.</p>")]
    public async Task Blazor(bool isTruncated, string expected)
    {
        await using var web = await StartAsync(isTruncated, _ => { });
        using var client = web.Lambda.CreateClient();
        var services = new ServiceCollection().AddSingleton<ILambdaStreamingClient>(client).BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, NullLoggerFactory.Instance);

        var html = await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<Story>()).ToHtmlString());

        Assert.Equal(expected, html);
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

    protected override async Task OnInitializedAsync()
    {
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
