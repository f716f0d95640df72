using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>An app on Kestrel between an HttpClient and a local Lambda server, all on loopback.</summary>
internal sealed class WebApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WebApp(WebApplication app, LocalLambdaServer lambda, LineLoggerProvider log, HttpProtocols protocols)
    {
        _app = app;
        Lambda = lambda;
        Log = log.Lines;
        var server = app.Services.GetRequiredService<IServer>();
        Url = new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            MaxResponseDrainSize = 0,
        };
        Browser = new HttpClient(handler)
        {
            BaseAddress = Url,
            Timeout = TimeSpan.FromSeconds(60),
            DefaultRequestVersion = protocols == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    public LocalLambdaServer Lambda { get; }

    /// <summary>An HttpClient that behaves like a browser without redirects and cookies.</summary>
    public HttpClient Browser { get; }

    public Uri Url { get; }

    /// <summary>The app's log messages: level, category, event id, message, exception type.</summary>
    public ConcurrentQueue<string> Log { get; }

    public static async Task<WebApp> StartAsync(
        Action<LocalLambdaServerOptions> functions,
        Action<WebApplication> map,
        Action<LambdaStreamingClientOptions>? client = null,
        Action<WebApplicationBuilder>? services = null,
        HttpProtocols protocols = HttpProtocols.Http1)
    {
        var lambda = await LocalLambdaServer.StartAsync(functions, TestContext.Current.CancellationToken);
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        var log = new LineLoggerProvider();
        builder.WebHost.UseKestrel(options =>
            options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocols));
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Debug).AddProvider(log);
        builder.Services.AddSingleton<ILambdaStreamingClient>(_ => lambda.CreateClient(options =>
        {
            options.Retry.Policy = LambdaRetryPolicy.Never;
            client?.Invoke(options);
        }));
        services?.Invoke(builder);
        var app = builder.Build();
        map(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new WebApp(app, lambda, log, protocols);
    }

    public async Task<HttpResponseMessage> PostAsync(string path, string json = "{}")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        return await SendAsync(request);
    }

    public Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken = default)
    {
        request.Version = Browser.DefaultRequestVersion;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        return Browser.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Sends bytes, and reads until the connection is closed or reset.</summary>
    public async Task<(string Response, bool IsReset)> SendRawAsync(string request)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Url.Port, cancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), cancellationToken);
        var response = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, cancellationToken) is > 0 and var count)
            {
                response.Append(Encoding.UTF8.GetString(buffer, 0, count));
            }

            return (response.ToString(), false);
        }
        catch (SocketException)
        {
            return (response.ToString(), true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Browser.Dispose();
        using var immediately = new CancellationTokenSource();
        await immediately.CancelAsync();
        await _app.StopAsync(immediately.Token);
        await _app.DisposeAsync();
        await Lambda.DisposeAsync();
    }

    private sealed class LineLoggerProvider : ILoggerProvider
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => new Logger(categoryName, this);

        public void Dispose()
        {
        }

        private sealed class Logger(string category, LineLoggerProvider log) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(
                LogLevel logLevel,
                EventId eventId,
                TState state,
                Exception? exception,
                Func<TState, Exception?, string> formatter)
            {
                var message = formatter(state, exception);
                log.Lines.Enqueue($"{logLevel} {category} {eventId.Id} {message} {exception?.GetType().Name}");
            }
        }
    }
}
