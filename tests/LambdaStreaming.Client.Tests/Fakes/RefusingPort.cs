using System.Net;
using System.Net.Sockets;

namespace LambdaStreaming.Tests;

/// <summary>A port of loopback that refuses connections, and that no other program can get meanwhile.</summary>
internal sealed class RefusingPort : IDisposable
{
    // The port of a client is in use, and nothing listens on it. If a socket is only bound to the port, macOS does not
    // respond to a connection request, so that the client waits.
    // Source: apple-oss-distributions/xnu, bsd/netinet/tcp_input.c, a connection in the state TCPS_CLOSED.
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Socket _client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public RefusingPort()
    {
        _listener.Start();
        _client.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _client.Connect(_listener.LocalEndpoint);
        Url = new Uri($"http://{_client.LocalEndPoint}");
    }

    public Uri Url { get; }

    public void Dispose()
    {
        _client.Dispose();
        _listener.Dispose();
    }
}
