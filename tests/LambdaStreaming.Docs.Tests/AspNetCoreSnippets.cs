using System.Diagnostics;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using LambdaStreaming.AspNetCore;
using LambdaStreaming.AspNetCore.Tests;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code of docs/aspnetcore.md and of the package's README.</summary>
public sealed class AspNetCoreSnippets
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task First()
    {
        string[] args = ["--urls", "http://127.0.0.1:0"];
        using var built = new BuiltHosts();
        var running = Task.Run(Program, Ct);
        using var host = await built.FirstAsync();

        // The command of the page, at this port.
        var url = new Uri(new Uri(host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()), "/chat");
        var command = Assert.Single(new Page("docs/aspnetcore.md").Commands, line => line.StartsWith("curl ", StringComparison.Ordinal));
        if (!OperatingSystem.IsWindows() && Interop.Runs("curl", "--version"))
            Assert.Equal("Hello, world", await Interop.RunAsync(LocalAws.Server, "/bin/sh", "-c", command.Replace("http://localhost:5000/chat", url.ToString(), StringComparison.Ordinal)));

        using var browser = new HttpClient();
        using var answer = await browser.PostAsJsonAsync(url, new Question("?"), Ct);
        Assert.Equal("Hello, world", await answer.Content.ReadAsStringAsync(Ct));
        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await running;

        void Program()
        {
            // begin: aspnetcore-first
            var builder = WebApplication.CreateBuilder(args);
            builder.Services.AddSingleton<ILambdaStreamingClient>(_ => new LambdaStreamingClient());   // region and credentials from the environment
            var app = builder.Build();

            app.MapLambdaStream("/chat", "my-function");

            app.Run();
            // end: aspnetcore-first
        }
    }

    [Fact]
    public async Task Options()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("my-function").AddVersion("7", async (invocation, response, token) => await response.WriteTextAsync($"{invocation.TenantId} {invocation.Qualifier}", token)).AddAlias("live", "7"),
            app =>
            {
                app.UseRateLimiter();

                // begin: aspnetcore-options
                app.MapLambdaStream("/chat", "my-function", options =>
                {
                    options.ContentType = "text/plain; charset=utf-8";   // of answers that bring none
                    options.MaxRequestBodyBytes = 64 * 1024;
                    options.TransformRequest = (http, request) => request with { TenantId = http.User.FindFirst("tenant")?.Value, Qualifier = "live" };
                })
                .RequireAuthorization()
                .RequireRateLimiting("chat");
                // end: aspnetcore-options
            },
            services: builder =>
            {
                builder.Services.AddAuthentication("blue").AddScheme<AuthenticationSchemeOptions, EveryoneIsBlue>("blue", null);
                builder.Services.AddAuthorization();
                builder.Services.AddRateLimiter(limits => limits.AddFixedWindowLimiter("chat", window => (window.PermitLimit, window.Window) = (1, TimeSpan.FromDays(1))));
            });

        using var answer = await web.Browser.PostAsJsonAsync("/chat", "{}", Ct);
        using var second = await web.Browser.PostAsJsonAsync("/chat", "{}", Ct);

        Assert.Equal("blue live", await answer.Content.ReadAsStringAsync(Ct));
        Assert.Equal("text/plain; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, second.StatusCode);
    }

    [Fact]
    public async Task FunctionUrl()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("shop", async (invocation, response, token) => await response.WriteTextAsync(invocation.PayloadAsString(), token)),
            app =>
            {
                // begin: aspnetcore-url
                var appsOwn = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "Cookie", "Authorization" };   // the app's own session stays here
                app.MapLambdaStream("/shop/{**path}", "shop", options =>
                {
                    options.Payload = LambdaPayload.FunctionUrlEvent;
                    options.AllowRequestHeader = name => !appsOwn.Contains(name);
                });
                // end: aspnetcore-url
            });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/shop/tea?size=small");
        request.Headers.Add("Cookie", "session=1");
        request.Headers.Add("Authorization", "Bearer secret");
        request.Headers.Add("X-Other", "passes");

        using var answer = await web.Browser.SendAsync(request, Ct);

        var event2 = await answer.Content.ReadAsStringAsync(Ct);
        Assert.Contains("\"rawPath\":\"/shop/tea\"", event2, StringComparison.Ordinal);
        Assert.Contains("passes", event2, StringComparison.Ordinal);
        Assert.DoesNotContain("session", event2, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", event2, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ControlHeader()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("app", async (_, response, token) =>
            {
                var headers = new Dictionary<string, string> { ["Service-Worker-Allowed"] = "/", ["Clear-Site-Data"] = "*" };
                await response.WriteHttpPreludeAsync(200, headers, null, token);
            }),
            app =>
            {
                // begin: aspnetcore-control
                app.MapLambdaStream("/app/{**path}", "app", options =>
                {
                    options.Payload = LambdaPayload.FunctionUrlEvent;
                    options.AllowedControlHeaders.Add("Service-Worker-Allowed");
                });
                // end: aspnetcore-control
            });

        using var response = await web.Browser.GetAsync("/app/worker.js", Ct);

        Assert.Equal(["/"], response.Headers.GetValues("Service-Worker-Allowed"));
        Assert.False(response.Headers.Contains("Clear-Site-Data"));
    }

    [Fact]
    public async Task EventSource()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("ticker", async (invocation, response, token) => await response.WriteServerSentEventAsync(invocation.PayloadAsString(), cancellationToken: token)),
            app =>
            {
                // begin: aspnetcore-sse
                app.MapLambdaStream("/events", "ticker", options =>
                {
                    options.Methods.Add("GET");
                    options.ContentType = "text/event-stream";
                    options.TransformRequest = (http, request) => request with { Payload = JsonSerializer.SerializeToUtf8Bytes(http.Request.Query["symbol"].ToString(), TickerJson.Default.String) };
                });
                // end: aspnetcore-sse
            });

        using var answer = await web.Browser.GetAsync("/events?symbol=AMZN", Ct);

        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal("data: \"AMZN\"\n\n", await answer.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task Result()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("my-function", async (invocation, response, token) => await response.WriteTextAsync(invocation.PayloadAsString(), token)),
            app =>
            {
                // begin: aspnetcore-result
                app.MapPost("/ask", (Question question) =>
                    question.Text.Length > 2000
                        ? Results.Problem("That is too long a question.", statusCode: 400)
                        : LambdaResults.Stream(InvokeWithResponseStreamRequest.Create("my-function", question, QuestionJson.Default.Question)));
                // end: aspnetcore-result
            });

        using var answer = await web.Browser.PostAsJsonAsync("/ask", new Question("why?"), Ct);
        using var refused = await web.Browser.PostAsJsonAsync("/ask", new Question(new string('?', 3000)), Ct);

        Assert.Equal("{\"Text\":\"why?\"}", await answer.Content.ReadAsStringAsync(Ct));
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, refused.StatusCode);
    }

    private sealed class EveryoneIsBlue(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() =>
            Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new Claim("tenant", "blue")], "blue")), "blue")));
    }

    /// <summary>The hosts that are built in the flow of a test: how a test gets at the app of a program.</summary>
    private sealed class BuiltHosts : IDisposable, IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
    {
        private readonly AsyncLocal<bool> _isMine = new() { Value = true };
        private readonly TaskCompletionSource<IHost> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<IDisposable> _subscriptions = [];

        public BuiltHosts() => _subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));

        /// <summary>The first one, once it listens.</summary>
        public async Task<IHost> FirstAsync()
        {
            var host = await _first.Task.WaitAsync(TimeSpan.FromSeconds(60), Ct);
            var started = new TaskCompletionSource();
            host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(started.SetResult);
            await started.Task.WaitAsync(TimeSpan.FromSeconds(60), Ct);
            return host;
        }

        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "Microsoft.Extensions.Hosting") _subscriptions.Add(value.Subscribe(this));
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (_isMine.Value && value is { Key: "HostBuilt", Value: IHost host }) _first.TrySetResult(host);
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void Dispose() => _subscriptions.ForEach(subscription => subscription.Dispose());
    }
}

internal sealed record Question(string Text);

[JsonSerializable(typeof(Question))]
internal sealed partial class QuestionJson : JsonSerializerContext;

[JsonSerializable(typeof(string))]
internal sealed partial class TickerJson : JsonSerializerContext;
