using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LambdaStreaming.Tests;

/// <summary>
/// A socket server that keeps requests byte for byte, for details that an HTTP server would normalize.
/// </summary>
public sealed class RawService : IAsyncDisposable
{
    public const string EmptyResponse = "HTTP/1.1 204 No Content\r\n\r\n";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<string, string?> _respond;
    private readonly Task _accepting;

    /// <param name="respond">
    /// Returns the complete response to a request line with headers; null sends no response.
    /// </param>
    public RawService(Func<string, string?>? respond = null)
    {
        _respond = respond ?? (_ => EmptyResponse);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>The request line and headers of each request, without the empty line.</summary>
    public ConcurrentQueue<string> RequestHeaders { get; } = new();

    /// <summary>The request line and headers of the only request.</summary>
    public string SingleRequestHeaders => Assert.Single(RequestHeaders);

    /// <summary>Creates options for a client of this server.</summary>
    public LambdaStreamingClientOptions Options()
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = Url;
        return options;
    }

    public static string? Header(string headers, string name) => headers.Split("\r\n")
        .Skip(1)
        .Where(line => line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(name.Length + 2)..])
        .SingleOrDefault();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stopping.Token)));
        }
        catch (Exception exception)
            when (exception is OperationCanceledException or SocketException or InvalidOperationException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(TcpClient connection)
    {
        using (connection)
        {
            try
            {
                var stream = connection.GetStream();
                var received = new List<byte>();
                var buffer = new byte[4096];
                while (true)
                {
                    var text = Encoding.Latin1.GetString([.. received]);
                    var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                    if (end >= 0
                        && int.TryParse(Header(text[..end], "Content-Length") ?? "0", out var length)
                        && received.Count >= end + 4 + length)
                    {
                        received.RemoveRange(0, end + 4 + length);
                        RequestHeaders.Enqueue(text[..end]);
                        var response = _respond(text[..end]);
                        if (response is null) await Task.Delay(Timeout.Infinite, _stopping.Token);
                        else await stream.WriteAsync(Encoding.Latin1.GetBytes(response), _stopping.Token);
                        continue;
                    }

                    var count = await stream.ReadAsync(buffer, _stopping.Token);
                    if (count == 0) return;
                    received.AddRange(buffer.AsSpan(0, count));
                }
            }
            catch (Exception exception)
                when (exception is OperationCanceledException or IOException or ObjectDisposedException)
            {
                // The client has disconnected, or the test has ended.
            }
        }
    }
}
