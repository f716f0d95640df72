using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace LambdaStreaming.Invocation;

/// <summary>Creates the default <see cref="SocketsHttpHandler"/>, configured for long streaming responses.</summary>
internal static class ConnectionHandler
{
    // NAT gateways drop connections that are idle for 350 s, and a function can be idle for minutes. Keep-alive probes
    // prevent the drop, because they count as traffic.
    // Source: AWS, VPC user guide, NAT gateways, "idle timeout".
    private const int KeepAliveSeconds = 45;
    private const int KeepAliveIntervalSeconds = 15;

    // The maximum that SocketsHttpHandler accepts, 24 days.
    private static readonly TimeSpan MaxConnectTimeout = TimeSpan.FromMilliseconds(int.MaxValue);

    private static readonly TimeSpan PooledConnectionLifetime = TimeSpan.FromMinutes(15);

    public static SocketsHttpHandler Create(LambdaStreamingClientOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,

            // Disposing an incomplete response closes its connection instead of reading the remaining bytes.
            MaxResponseDrainSize = 0,

            // Limit the age of a connection, because only a new connection resolves the host name again.
            PooledConnectionLifetime = PooledConnectionLifetime,
            ConnectTimeout = options.ConnectTimeout < MaxConnectTimeout ? options.ConnectTimeout : MaxConnectTimeout,
            ConnectCallback = ConnectAsync,

            // SocketsHttpHandler must not add trace headers: the option TraceHeaders decides which ones are sent.
            ActivityHeadersPropagator = null,
        };
        options.ConfigureHandler?.Invoke(handler);
        return handler;
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "The returned stream owns the socket.")]
    private static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context,
        CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);

            // Set these options only after connecting. Before .NET 10, a socket on Unix on which they are set cannot
            // try several addresses, and therefore rejects every host name. NoDelay does not have this effect.
            // Source: dotnet/runtime, Socket.Unix.cs, ThrowMultiConnectNotSupported.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            SetTcpOption(socket, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
            SetTcpOption(socket, SocketOptionName.TcpKeepAliveInterval, KeepAliveIntervalSeconds);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void SetTcpOption(Socket socket, SocketOptionName name, int value) =>
        socket.SetSocketOption(SocketOptionLevel.Tcp, name, value);
}
