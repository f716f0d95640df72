using System.Net.Sockets;
using LambdaStreaming.AspNetCore;
using LambdaStreaming.Testing;
using LambdaStreaming.Testing.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Tool.Serve;

/// <summary>Serves each function at an HTTP address, as a function URL with response streaming does.</summary>
/// <remarks>
/// Requests become events of payload format 2.0, and the prelude of a response becomes its status and headers.
/// Each function has its own port, because the routes of a web function begin at the root.
/// </remarks>
internal sealed class FunctionUrls(LambdaStreamingClient client, WebPageGuard guard) : IAsyncDisposable
{
    private readonly List<WebApplication> _apps = [];

    /// <summary>The address of each function.</summary>
    public List<(string Function, string Url)> Addresses { get; } = [];

    /// <summary>Starts to serve, at the first port and those that follow it; 0 selects free ports.</summary>
    /// <exception cref="ToolException">A port is in use.</exception>
    public static async Task<FunctionUrls> StartAsync(
        LocalLambdaServer server,
        IReadOnlyList<string> names,
        int firstPort,
        IEnumerable<string> allowedHosts,
        CancellationToken cancellationToken)
    {
        var client = server.CreateClient(options =>
        {
            // As a function URL: one call for each request, which can take as long as a function.
            options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never };
            options.ResponseHeadersTimeout = Timeout.InfiniteTimeSpan;
            options.IdleTimeout = Timeout.InfiniteTimeSpan;
        });
        var urls = new FunctionUrls(client, new WebPageGuard(allowedHosts));
        try
        {
            for (var i = 0; i < names.Count; i++)
                await urls.AddAsync(names[i], firstPort == 0 ? 0 : firstPort + i, cancellationToken);
            return urls;
        }
        catch
        {
            await urls.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
        {
            await app.StopAsync(new CancellationToken(canceled: true));
            await app.DisposeAsync();
        }

        client.Dispose();
    }

    private async Task AddAsync(string name, int port, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls($"http://127.0.0.1:{port}");
        builder.WebHost.ConfigureKestrel(kestrel => Loopback.RemoveLimits(kestrel.Limits));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<ILambdaStreamingClient>(client);
        builder.Logging.ClearProviders();
        var app = builder.Build();
        _apps.Add(app);
        app.Use(CheckHostAsync);
        app.MapLambdaStream("{**path}", name, options =>
        {
            options.Payload = LambdaPayload.FunctionUrlEvent;
            options.IncludeErrorDetails = true;
        });
        try
        {
            await app.StartAsync(cancellationToken);
            // ConsoleLifetime would keep the second signal from ending the process.
            (app.Services.GetRequiredService<IHostLifetime>() as IDisposable)?.Dispose();
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            throw LocalService.CreatePortNotAvailable(port, exception);
        }

        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        Addresses.Add((name, address.Single()));
    }

    /// <summary>Rejects requests of a web page whose host name resolves to 127.0.0.1 (DNS rebinding).</summary>
    /// <remarks>Other pages can send requests, but not read responses: a function URL is for browsers.</remarks>
    private Task CheckHostAsync(HttpContext context, RequestDelegate next)
    {
        var host = context.Request.Host;
        if (guard.IsAllowed(host.Host))
            return next(context);
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return context.Response.WriteAsync(
            $"The Host header '{host.Value}' does not name this machine, so a web page might have sent the request "
            + "(DNS rebinding). Use the printed URL, or add the host with --allow-host.\n");
    }
}
