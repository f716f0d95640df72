using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Reflection;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using LambdaStreaming.AspNetCore;
using LambdaStreaming.AspNetCore.Tests;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code in docs/aspnetcore.md and in the README of the package.</summary>
public sealed class AspNetCoreSnippets
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task First()
    {
        string[] args = ["--urls", "http://127.0.0.1:0"];
        using var built = new BuiltHosts();
        using var assembly = new MemoryStream();
        Assert.Empty(PastedProgram.FromProgram(PastedProgram.Read("aspnetcore-first")).Compile(assembly));
        var main = Assembly.Load(assembly.ToArray()).EntryPoint!;
        var running = Task.Run(() => main.Invoke(null, [args]), Ct);
        using var host = await built.FirstAsync();

        // Run the command of the page with the port of this host.
        var addresses = host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        var url = new Uri(new Uri(addresses.Single()), "/chat");
        var command = Assert.Single(
            new Page("docs/aspnetcore.md").Commands,
            line => line.StartsWith("curl ", StringComparison.Ordinal));
        command = command.Replace("http://localhost:5000/chat", url.ToString(), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows() && Interop.Runs("curl", "--version"))
            Assert.Equal("Hello, world", await Interop.RunAsync(LocalAws.Server, "/bin/sh", "-c", command));

        using var client = new HttpClient();
        using var response = await client.PostAsJsonAsync(url, new Question("?"), Ct);
        Assert.Equal("Hello, world", await response.Content.ReadAsStringAsync(Ct));
        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await running;
    }

    [Fact]
    public async Task Options()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("my-function")
                .AddVersion("7", async (invocation, response, token) =>
                    await response.WriteTextAsync($"{invocation.TenantId} {invocation.Qualifier}", token))
                .AddAlias("live", "7"),
            app =>
            {
                app.UseRateLimiter();

                // begin: aspnetcore-options
                app.MapLambdaStream("/chat", "my-function", options =>
                {
                    options.ContentType = "text/plain; charset=utf-8";   // for responses without an HTTP prelude
                    options.MaxRequestBodyBytes = 64 * 1024;
                    options.TransformRequest = (http, request) => request with
                    {
                        TenantId = http.User.FindFirst("tenant")?.Value,
                        Qualifier = "live",
                    };
                })
                .RequireAuthorization()
                .RequireRateLimiting("chat");
                // end: aspnetcore-options
            },
            services: builder =>
            {
                AddAuthentication(builder);
                builder.Services.AddRateLimiter(limits => limits.AddFixedWindowLimiter(
                    "chat",
                    window => (window.PermitLimit, window.Window) = (1, TimeSpan.FromDays(1))));
            });

        using var response = await web.Browser.PostAsJsonAsync("/chat", "{}", Ct);
        using var second = await web.Browser.PostAsJsonAsync("/chat", "{}", Ct);

        Assert.Equal("blue live", await response.Content.ReadAsStringAsync(Ct));
        Assert.Equal("text/plain; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, second.StatusCode);
    }

    [Fact]
    public async Task User()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("my-function", async (invocation, response, token) =>
                await response.WriteTextAsync(invocation.ClientContext ?? "", token)),
            app =>
            {
                // begin: aspnetcore-user
                app.MapLambdaStream("/chat", "my-function", options => options.TransformRequest = (http, request) =>
                {
                    var custom = new JsonObject { ["user"] = http.User.FindFirst(ClaimTypes.NameIdentifier)?.Value };
                    var json = new JsonObject { ["custom"] = custom }.ToJsonString();
                    return request with { ClientContext = InvokeWithResponseStreamRequest.EncodeClientContext(json) };
                })
                .RequireAuthorization();
                // end: aspnetcore-user
            },
            services: AddAuthentication);

        using var response = await web.PostAsync("/chat");

        var context = Convert.FromBase64String(await response.Content.ReadAsStringAsync(Ct));
        Assert.Equal("""{"custom":{"user":"ada"}}"""u8, context);
    }

    [Fact]
    public async Task UserHeader()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("shop", EchoAsync),
            app =>
            {
                // begin: aspnetcore-user-header
                app.Use((http, next) =>
                {
                    // Overwrite the header, because a client can send any value. Without a user, remove it.
                    http.Request.Headers["X-User"] = http.User.FindFirst(ClaimTypes.NameIdentifier)?.Value;
                    return next(http);
                });
                app.MapLambdaStream("/shop/{**path}", "shop", options =>
                {
                    options.Payload = LambdaPayload.FunctionUrlEvent;
                    options.AllowRequestHeader = name => !name.Contains('_');   // X_User, for example
                })
                .RequireAuthorization();
                // end: aspnetcore-user-header
            },
            services: AddAuthentication);
        using var forged = new HttpRequestMessage(HttpMethod.Get, "/shop/tea");
        forged.Headers.Add("X-User", "eve");
        using var removed = new HttpRequestMessage(HttpMethod.Get, "/shop/tea");
        removed.Headers.Connection.Add("X-User");
        removed.Headers.Add("X_User", "eve");

        using var response = await web.Browser.SendAsync(forged, Ct);
        using var second = await web.Browser.SendAsync(removed, Ct);

        var payload = await response.Content.ReadAsStringAsync(Ct);
        Assert.Contains("\"x-user\":\"ada\"", payload, StringComparison.Ordinal);
        Assert.DoesNotContain("eve", payload, StringComparison.Ordinal);

        // The page warns about this.
        var withoutUser = await second.Content.ReadAsStringAsync(Ct);
        Assert.DoesNotContain("x-user", withoutUser, StringComparison.Ordinal);
        Assert.DoesNotContain("eve", withoutUser, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Antiforgery()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("my-function", EchoAsync),
            app =>
            {
                // begin: aspnetcore-antiforgery
                app.UseAntiforgery();
                app.MapGet("/token", (HttpContext http, IAntiforgery antiforgery) =>
                    antiforgery.GetAndStoreTokens(http).RequestToken);
                app.MapLambdaStream("/chat", "my-function").WithMetadata(new RequireAntiforgeryTokenAttribute());
                // end: aspnetcore-antiforgery
            },
            services: builder =>
            {
                builder.Services.AddAntiforgery();
                builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
            });
        using var token = await web.Browser.GetAsync("/token", Ct);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat");
        request.Headers.Add("Cookie", token.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        request.Headers.Add("RequestVerificationToken", await token.Content.ReadAsStringAsync(Ct));
        request.Content = new StringContent("[1]", mediaType: new("application/json"));

        using var response = await web.Browser.SendAsync(request, Ct);
        using var rejected = await web.PostAsync("/chat");

        Assert.Equal("[1]", await response.Content.ReadAsStringAsync(Ct));
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, rejected.StatusCode);
        Assert.Single(web.Lambda.Requests);
    }

    [Fact]
    public async Task FunctionUrl()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("shop", EchoAsync),
            app =>
            {
                // begin: aspnetcore-url
                // Do not forward the session of this application to the function.
                var headers = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "Cookie", "Authorization" };
                app.MapLambdaStream("/shop/{**path}", "shop", options =>
                {
                    options.Payload = LambdaPayload.FunctionUrlEvent;
                    options.AllowRequestHeader = name => !headers.Contains(name);
                });
                // end: aspnetcore-url
            });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/shop/tea?size=small");
        request.Headers.Add("Cookie", "session=1");
        request.Headers.Add("Authorization", "Bearer secret");
        request.Headers.Add("X-Other", "passes");

        using var response = await web.Browser.SendAsync(request, Ct);

        var payload = await response.Content.ReadAsStringAsync(Ct);
        Assert.Contains("\"rawPath\":\"/shop/tea\"", payload, StringComparison.Ordinal);
        Assert.Contains("passes", payload, StringComparison.Ordinal);
        Assert.DoesNotContain("session", payload, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", payload, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ControlHeader()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("app", async (_, response, token) =>
            {
                var headers = new Dictionary<string, string>
                {
                    ["Service-Worker-Allowed"] = "/",
                    ["Clear-Site-Data"] = "*",
                };
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
            options => options.AddFunction("ticker", async (invocation, response, token) =>
                await response.WriteServerSentEventAsync(invocation.PayloadAsString(), cancellationToken: token)),
            app =>
            {
                // begin: aspnetcore-sse
                app.MapLambdaStream("/events", "ticker", options =>
                {
                    options.Methods.Add("GET");
                    options.ContentType = "text/event-stream";
                    options.TransformRequest = (http, request) =>
                    {
                        var symbol = http.Request.Query["symbol"].ToString();
                        return request with
                        {
                            Payload = JsonSerializer.SerializeToUtf8Bytes(symbol, TickerJson.Default.String),
                        };
                    };
                });
                // end: aspnetcore-sse
            });

        using var response = await web.Browser.GetAsync("/events?symbol=AMZN", Ct);

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("data: \"AMZN\"\n\n", await response.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task Result()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("my-function", EchoAsync),
            app =>
            {
                // begin: aspnetcore-result
                app.MapPost("/ask", (Question question) =>
                {
                    if (question.Text.Length > 2000)
                        return Results.Problem("The question is too long.", statusCode: 400);

                    var request = InvokeWithResponseStreamRequest.Create(
                        "my-function", question, QuestionJson.Default.Question);
                    return LambdaResults.Stream(request);
                });
                // end: aspnetcore-result
            });

        using var response = await web.Browser.PostAsJsonAsync("/ask", new Question("why?"), Ct);
        using var rejected = await web.Browser.PostAsJsonAsync("/ask", new Question(new string('?', 3000)), Ct);

        Assert.Equal("{\"text\":\"why?\"}", await response.Content.ReadAsStringAsync(Ct));
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, rejected.StatusCode);
    }

    [Fact]
    public async Task Failure()
    {
        await using var web = await WebApp.StartAsync(
            options => options.AddFunction("my-function", async (_, response, token) =>
            {
                await response.WriteTextAsync("{\"row\":1}\n{\"ro", token);
                response.Fail("Unhandled", "planned");
            }),
            app =>
            {
                // begin: aspnetcore-failure
                app.MapLambdaStream("/rows", "my-function", options =>
                {
                    options.ContentType = "application/x-ndjson";
                    options.FailureWriter = (failure, body) =>
                    {
                        body.Write("\n{\"error\":"u8);     // the function can have failed in the middle of a line
                        body.Write(JsonSerializer.SerializeToUtf8Bytes(failure.Detail, TickerJson.Default.String));
                        body.Write("}\n"u8);
                    };
                });
                // end: aspnetcore-failure
            });

        var (response, _) = await web.SendRawAsync("POST /rows HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");

        Assert.Contains("{\"row\":1}\n", response, StringComparison.Ordinal);
        Assert.Contains("{\"ro\r\n", response, StringComparison.Ordinal);   // the end of an HTTP chunk
        Assert.Contains("\r\n\n{\"error\":\"The function failed", response, StringComparison.Ordinal);
        Assert.DoesNotContain("\r\n0\r\n", response, StringComparison.Ordinal);
    }

    private static void AddAuthentication(WebApplicationBuilder builder)
    {
        builder.Services.AddAuthentication("blue")
            .AddScheme<AuthenticationSchemeOptions, EveryoneIsBlue>("blue", null);
        builder.Services.AddAuthorization();
    }

    private static async Task EchoAsync(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken) =>
        await response.WriteTextAsync(invocation.PayloadAsString(), cancellationToken);

    private sealed class EveryoneIsBlue(
        IOptionsMonitor<AuthenticationSchemeOptions> options,
        ILoggerFactory logger,
        UrlEncoder encoder) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            var principal = new ClaimsPrincipal(new ClaimsIdentity(
                [new Claim("tenant", "blue"), new Claim(ClaimTypes.NameIdentifier, "ada")], "blue"));
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(principal, "blue")));
        }
    }

    /// <summary>
    /// Finds the host that a program of this test builds. Hosts of other tests, which run in parallel, are ignored.
    /// </summary>
    private sealed class BuiltHosts
        : IDisposable, IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
    {
        private readonly AsyncLocal<bool> _isOfThisTest = new() { Value = true };
        private readonly TaskCompletionSource<IHost> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ConcurrentQueue<IDisposable> _subscriptions = [];

        public BuiltHosts() => _subscriptions.Enqueue(DiagnosticListener.AllListeners.Subscribe(this));

        /// <summary>Returns the first host after it has started.</summary>
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
            if (value.Name == "Microsoft.Extensions.Hosting") _subscriptions.Enqueue(value.Subscribe(this));
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (_isOfThisTest.Value && value is { Key: "HostBuilt", Value: IHost host }) _first.TrySetResult(host);
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void Dispose()
        {
            foreach (var subscription in _subscriptions) subscription.Dispose();
        }
    }
}

internal sealed record Question(string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Question))]
internal sealed partial class QuestionJson : JsonSerializerContext;

[JsonSerializable(typeof(string))]
internal sealed partial class TickerJson : JsonSerializerContext;
