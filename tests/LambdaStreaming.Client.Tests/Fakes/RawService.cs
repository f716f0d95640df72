using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace LambdaStreaming.Tests;

/// <summary>A socket that keeps what came, byte for byte, and answers what it is told; for what a real HTTP server would tidy up.</summary>
public sealed class RawService : IAsyncDisposable
{
    public const string EmptyResponse = "HTTP/1.1 204 No Content\r\n\r\n";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<string, string?> _response;
    private readonly Task _accepting;

    /// <param name="answer">Gives the whole answer to a head; null answers never.</param>
    public RawService(Func<string, string?>? answer = null)
    {
        _response = answer ?? (_ => EmptyResponse);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>The heads that came, without the empty line.</summary>
    public ConcurrentQueue<string> Heads { get; } = new();

    /// <summary>The one head that came.</summary>
    public string Head => Assert.Single(Heads);

    /// <summary>A client of it that makes dry runs.</summary>
    public LambdaStreamingClientOptions Options()
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = Url;
        return options;
    }

    public static string? Header(string head, string name) =>
        head.Split("\r\n").Skip(1).Where(line => line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase)).Select(line => line[(name.Length + 2)..]).SingleOrDefault();

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
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException)
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
                    if (end >= 0 && int.TryParse(Header(text[..end], "Content-Length") ?? "0", out var length) && received.Count >= end + 4 + length)
                    {
                        received.RemoveRange(0, end + 4 + length);
                        Heads.Enqueue(text[..end]);
                        if (_response(text[..end]) is not { } answer) await Task.Delay(Timeout.Infinite, _stopping.Token);
                        else await stream.WriteAsync(Encoding.Latin1.GetBytes(answer), _stopping.Token);
                        continue;
                    }

                    var count = await stream.ReadAsync(buffer, _stopping.Token);
                    if (count == 0) return;
                    received.AddRange(buffer.AsSpan(0, count));
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException or ObjectDisposedException)
            {
                // The client left, or the test is over.
            }
        }
    }
}
