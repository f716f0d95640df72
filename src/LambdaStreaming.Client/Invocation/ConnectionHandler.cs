using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace LambdaStreaming.Invocation;

/// <summary>Sets up the platform's handler for long answers and no surprises.</summary>
internal static class ConnectionHandler
{
    // NAT gateways drop connections that were idle for 350 s, and a function may be silent for minutes.
    // Source: AWS, VPC user guide, NAT gateways, "idle timeout".
    private const int KeepAliveSeconds = 45;
    private const int KeepAliveIntervalSeconds = 15;

    // The longest that SocketsHttpHandler takes, 24 days.
    private static readonly TimeSpan LongestConnectTimeout = TimeSpan.FromMilliseconds(int.MaxValue);

    private static readonly TimeSpan PooledConnectionLifetime = TimeSpan.FromMinutes(15);

    public static SocketsHttpHandler Create(LambdaStreamingClientOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            // An answer that is given up is not read to its end.
            MaxResponseDrainSize = 0,
            // New connections look the name up again.
            PooledConnectionLifetime = PooledConnectionLifetime,
            ConnectTimeout = options.ConnectTimeout < LongestConnectTimeout ? options.ConnectTimeout : LongestConnectTimeout,
            ConnectCallback = ConnectAsync,
            // What is sent of a trace is the option TraceHeaders' to say.
            ActivityHeadersPropagator = null,
        };
        options.ConfigureHandler?.Invoke(handler);
        return handler;
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "The stream that is returned owns the socket.")]
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);

            // Only now: before .NET 10 a socket on Unix whose options were set cannot try a name's addresses one after another, and refuses every name.
            // Source: dotnet/runtime, Socket.Unix.cs, ThrowMultiConnectNotSupported.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveIntervalSeconds);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
