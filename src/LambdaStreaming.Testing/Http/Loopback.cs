using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LambdaStreaming.Testing.Http;

/// <summary>Kestrel on 127.0.0.1 without a host: nothing reads the environment, the console or a signal.</summary>
internal static class Loopback
{
    public static KestrelServer Create(int port, ILoggerFactory? loggerFactory, Func<ConnectionContext, ConnectionDelegate, Task>? middleware, int? maxHeaderBytes = null)
    {
        loggerFactory ??= NullLoggerFactory.Instance;
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.Limits.MaxRequestBodySize = null;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;   // a consumer may read as slowly as it likes
        if (maxHeaderBytes is { } max)
        {
            options.Limits.MaxRequestHeadersTotalSize = max;    // of trailers too
            options.Limits.MaxRequestBufferSize = max;
            options.Limits.MaxRequestHeaderCount = 1000;
        }

        options.Listen(IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (middleware is not null) listen.Use(next => connection => middleware(connection, next));
        });
        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), loggerFactory);
        return new KestrelServer(Options.Create(options), transport, loggerFactory);
    }

    public static Uri GetAddress(KestrelServer kestrel) => new(kestrel.Features.Get<IServerAddressesFeature>()!.Addresses.Single());
}
