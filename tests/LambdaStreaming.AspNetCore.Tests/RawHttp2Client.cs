using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>An HTTP/2 client on a socket. HttpClient discards received bytes when a stream is reset.</summary>
/// <remarks>Source: RFC 9113 (frames) and RFC 7541 (literal header fields without Huffman).</remarks>
internal sealed class RawHttp2Client : IDisposable
{
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte RstStream = 3;
    private const byte Settings = 4;
    private const byte EndStream = 1;
    private const byte EndHeaders = 4;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<RawHttp2Client> PostAsync(Uri url, string path)
    {
        var client = new RawHttp2Client();
        await client._socket.ConnectAsync(IPAddress.Loopback, url.Port, Token);
        var request = new List<byte>();
        request.AddRange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        AddFrame(request, Settings, 0, 0, []);
        var block = new List<byte>();
        AddHeader(block, ":method", "POST");
        AddHeader(block, ":scheme", "http");
        AddHeader(block, ":path", path);
        AddHeader(block, ":authority", "a");
        AddFrame(request, Headers, EndStream | EndHeaders, 1, [.. block]);
        await client._socket.SendAsync(request.ToArray(), Token);
        return client;
    }

    /// <summary>Reads the body until the stream ends or is reset.</summary>
    public async Task<(string Body, bool IsReset)> ReadToEndAsync()
    {
        var body = new StringBuilder();
        while (true)
        {
            var header = await ReadAsync(9);
            var length = (header[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(1));
            var payload = await ReadAsync(length);
            if (header[3] == RstStream) return (body.ToString(), true);
            if (header[3] == Data) body.Append(Encoding.UTF8.GetString(payload));
            if (header[3] is Data or Headers && (header[4] & EndStream) != 0) return (body.ToString(), false);
        }
    }

    public void Dispose() => _socket.Dispose();

    private static void AddFrame(List<byte> bytes, byte type, byte flags, int stream, byte[] payload)
    {
        bytes.AddRange([(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags]);
        bytes.AddRange([0, 0, 0, (byte)stream]);
        bytes.AddRange(payload);
    }

    private static void AddHeader(List<byte> block, string name, string value)
    {
        block.Add(0);
        block.Add((byte)name.Length);
        block.AddRange(Encoding.ASCII.GetBytes(name));
        block.Add((byte)value.Length);
        block.AddRange(Encoding.ASCII.GetBytes(value));
    }

    private async Task<byte[]> ReadAsync(int length)
    {
        var bytes = new byte[length];
        for (var count = 0; count < length;)
        {
            var receiving = _socket.ReceiveAsync(bytes.AsMemory(count), Token).AsTask();
            var received = await receiving.WaitAsync(TimeSpan.FromSeconds(60), Token);
            Assert.True(received > 0, "The connection was closed.");
            count += received;
        }

        return bytes;
    }
}
