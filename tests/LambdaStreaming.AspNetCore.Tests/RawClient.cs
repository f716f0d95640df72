using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>An HTTP/1.1 client on a socket, which shows the bytes of a response as they arrive.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly StringBuilder _received = new();
    private readonly byte[] _buffer = new byte[4096];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The status line and the headers.</summary>
    public string Headers { get; private set; } = "";

    /// <summary>Whether the response ended with the last chunk.</summary>
    public bool IsComplete { get; private set; }

    public static async Task<RawClient> PostAsync(Uri url, string path = "/chat", string headers = "")
    {
        var client = new RawClient();
        await client._socket.ConnectAsync(IPAddress.Loopback, url.Port, Token);
        var request = $"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n{headers}\r\n";
        await client._socket.SendAsync(Encoding.ASCII.GetBytes(request), Token);
        client.Headers = await client.ReadToAsync("\r\n\r\n");
        return client;
    }

    /// <summary>Reads one chunk of the chunked encoding.</summary>
    /// <returns>
    /// The text, or "" after the last chunk, or <see langword="null"/> if the response is incomplete.
    /// </returns>
    public async Task<string?> ReadChunkAsync()
    {
        var size = await ReadToAsync("\r\n");
        if (size.Length == 0) return null;
        var chunk = await ReadToAsync("\r\n", Convert.ToInt32(size.Trim(), 16));
        if (chunk.Length == 2) IsComplete = true;
        return chunk[..^2];
    }

    /// <summary>Reads the rest of the body.</summary>
    public async Task<string> ReadToEndAsync()
    {
        var body = new StringBuilder();
        while (await ReadChunkAsync() is { Length: > 0 } chunk) body.Append(chunk);
        return body.ToString();
    }

    public void Dispose() => _socket.Dispose();

    // Latin-1 keeps the number of bytes.
    private async Task<string> ReadToAsync(string end, int skip = 0)
    {
        while (true)
        {
            var text = _received.ToString();
            var index = text.Length < skip ? -1 : text.IndexOf(end, skip, StringComparison.Ordinal);
            if (index >= 0)
            {
                _received.Remove(0, index + end.Length);
                return text[..(index + end.Length)];
            }

            var receiving = _socket.ReceiveAsync(_buffer, Token).AsTask();
            var count = await receiving.WaitAsync(TimeSpan.FromSeconds(60), Token);
            if (count == 0) return "";
            _received.Append(Encoding.Latin1.GetString(_buffer, 0, count));
        }
    }
}
