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

/// <summary>An app on real Kestrel between a browser's HttpClient and a local Lambda server, all on loopback.</summary>
internal sealed class WebApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WebApp(WebApplication app, LocalLambdaServer lambda, ConcurrentQueue<string> log, HttpProtocols protocols)
    {
        _app = app;
        Lambda = lambda;
        Log = log;
        Url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, MaxResponseDrainSize = 0 })
        {
            BaseAddress = Url,
            Timeout = TimeSpan.FromSeconds(60),
            DefaultRequestVersion = protocols == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    public LocalLambdaServer Lambda { get; }

    public HttpClient Browser { get; }

    public Uri Url { get; }

    /// <summary>What the app logged, a line each: level, category, event id, message.</summary>
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
        var log = new ConcurrentQueue<string>();
        builder.WebHost.UseKestrel(options => options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocols));
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Debug).AddProvider(new Lines(log));
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
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        return await SendAsync(request);
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken = default)
    {
        request.Version = Browser.DefaultRequestVersion;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        return Browser.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Sends bytes and returns all that comes until the connection ends, and whether it was reset.</summary>
    public async Task<(string Answer, bool Reset)> SendRawAsync(string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Url.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        var answer = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken) is > 0 and var count) answer.Append(Encoding.UTF8.GetString(buffer, 0, count));
            return (answer.ToString(), false);
        }
        catch (SocketException)
        {
            return (answer.ToString(), true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Browser.Dispose();
        using var atOnce = new CancellationTokenSource();
        await atOnce.CancelAsync();
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
        await Lambda.DisposeAsync();
    }

    private sealed class Lines(ConcurrentQueue<string> lines) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new Logger(categoryName, lines);

        public void Dispose()
        {
        }

        private sealed class Logger(string category, ConcurrentQueue<string> lines) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
                lines.Enqueue($"{logLevel} {category} {eventId.Id} {formatter(state, exception)} {exception?.GetType().Name}");
        }
    }
}
