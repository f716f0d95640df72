using System.Net;
using System.Net.Sockets;

namespace LambdaStreaming.Tests;

/// <summary>A port of loopback that refuses connections, and that no other program can get meanwhile.</summary>
internal sealed class RefusingPort : IDisposable
{
    // A socket that is bound but does not listen refuses connections.
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public RefusingPort()
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Url = new Uri($"http://{_socket.LocalEndPoint}");
    }

    public Uri Url { get; }

    public void Dispose() => _socket.Dispose();
}
