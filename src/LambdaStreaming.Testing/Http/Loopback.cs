using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LambdaStreaming.Testing.Http;

/// <summary>Creates Kestrel servers on 127.0.0.1.</summary>
/// <remarks>
/// The servers run without a generic host, which would read the environment, write to the console and handle signals.
/// </remarks>
internal static class Loopback
{
    [SuppressMessage("Reliability", "CA2000", Justification = "Disposal of the factory does nothing.")]
    public static KestrelServer Create(
        int port,
        ILoggerFactory? loggerFactory,
        Func<ConnectionContext, ConnectionDelegate, Task>? middleware,
        Action<KestrelServerLimits>? setLimits = null)
    {
        loggerFactory = loggerFactory is null
            ? NullLoggerFactory.Instance
            : new ContainedLoggerFactory(loggerFactory);
        var options = new KestrelServerOptions { AddServerHeader = false };
        RemoveLimits(options.Limits);
        setLimits?.Invoke(options.Limits);
        options.Listen(IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (middleware is not null) listen.Use(next => connection => middleware(connection, next));
        });
        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), loggerFactory);
        return new KestrelServer(Options.Create(options), transport, loggerFactory);
    }

    /// <summary>Removes the limits of Kestrel that Lambda does not have. Clients may read and write slowly.</summary>
    /// <remarks>LambdaStreaming.Tool uses this method.</remarks>
    public static void RemoveLimits(KestrelServerLimits limits)
    {
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
    }

    /// <summary>Calls a server without the proxy of the machine, which cannot reach it.</summary>
    /// <remarks>
    /// A later callback can set another proxy. LambdaStreaming.Tool uses this method.
    /// </remarks>
    public static void BypassProxy(LambdaStreamingClientOptions options) =>
        // WebProxy without an address calls every host directly.
        options.ConfigureHandler += static handler => handler.Proxy = new WebProxy();

    public static Uri GetAddress(KestrelServer kestrel) =>
        new(kestrel.Features.Get<IServerAddressesFeature>()!.Addresses.Single());
}
