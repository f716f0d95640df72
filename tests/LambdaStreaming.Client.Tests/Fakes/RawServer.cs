using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace LambdaStreaming.Tests;

/// <summary>
/// A TCP listener on loopback whose connections run a script, for behavior that HTTP servers do not offer.
/// </summary>
public sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _connections = [];
    private readonly Func<RawConnection, Task> _script;
    private readonly Task _accepting;
    private int _completeRequests;
    private int _connectionCount;

    public RawServer(Func<RawConnection, Task> script)
    {
        _script = script;
        _listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _accepting = AcceptAsync();
    }

    /// <summary>Creates a server that responds to every request with <paramref name="response"/>.</summary>
    public static RawServer Responding(byte[] response) => new(async connection =>
    {
        while (await connection.ReadRequestAsync() is not null) await connection.WriteAsync(response);
    });

    public Uri Url { get; }

    /// <summary>Number of completely received requests. The service would have run a function for each.</summary>
    public int CompleteRequests => Volatile.Read(ref _completeRequests);

    public int Connections => Volatile.Read(ref _connectionCount);

    public LambdaStreamingClient CreateClient(LambdaRetryOptions? retry = null)
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = Url;
        options.Retry = retry ?? options.Retry;
        return new LambdaStreamingClient(options);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested) return;
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting.WaitAsync(LocalService.TooLong);
        await Task.WhenAll(_connections).WaitAsync(LocalService.TooLong);
    }

    /// <summary>Encodes an HTTP response with a Content-Length header.</summary>
    public static byte[] CreateResponse(int status, byte[] body, params string[] headers)
    {
        var lines = string.Concat(headers.Select(header => header + "\r\n"));
        var text = $"HTTP/1.1 {status} X\r\n{lines}Content-Length: {body.Length}\r\n\r\n";
        return [.. Encoding.ASCII.GetBytes(text), .. body];
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptSocketAsync(_stopping.Token);
                _connections.Add(RunAsync(socket, Interlocked.Increment(ref _connectionCount)));
            }
            catch (Exception exception) when (exception is SocketException || _stopping.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task RunAsync(Socket socket, int number)
    {
        await Task.Yield();
        using var connection = new RawConnection(
            socket,
            number,
            () => Interlocked.Increment(ref _completeRequests),
            _stopping.Token);
        try
        {
            await _script(connection);
        }
        catch (Exception exception)
            when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client has disconnected, or the test has ended.
        }
    }
}

/// <summary>One accepted connection of a <see cref="RawServer"/>.</summary>
public sealed class RawConnection(
    Socket socket,
    int number,
    Func<int> countRequest,
    CancellationToken stopping) : IDisposable
{
    private readonly List<byte> _received = [];
    private readonly byte[] _buffer = new byte[64 * 1024];

    /// <summary>One-based number of the connection.</summary>
    public int Number { get; } = number;

    public CancellationToken Stopping { get; } = stopping;

    /// <summary>Reads until <paramref name="count"/> bytes have arrived since the last request.</summary>
    public async Task ReadBytesAsync(int count)
    {
        while (_received.Count < count && await ReceiveAsync())
        {
        }
    }

    /// <summary>Reads one complete request.</summary>
    /// <returns>
    /// The request line and headers, or <see langword="null"/> if the client closed the connection instead.
    /// </returns>
    public async Task<string?> ReadRequestAsync()
    {
        int end;
        while ((end = CollectionsMarshal.AsSpan(_received).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!await ReceiveAsync()) return null;
        }

        var headers = Encoding.Latin1.GetString(CollectionsMarshal.AsSpan(_received)[..end]);
        var length = headers.Split("\r\n")
            .Where(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
            .Select(line => int.Parse(line[15..], CultureInfo.InvariantCulture))
            .FirstOrDefault();
        var requestLength = end + 4 + length;
        while (_received.Count < requestLength)
        {
            if (!await ReceiveAsync()) return null;
        }

        _received.RemoveRange(0, requestLength);
        countRequest();
        return headers;
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes, Stopping)..];
    }

    public Task WriteAsync(string text) => WriteAsync(Encoding.ASCII.GetBytes(text));

    public void Reset() => socket.Close(0);

    public void Dispose() => socket.Dispose();

    private async Task<bool> ReceiveAsync()
    {
        var count = await socket.ReceiveAsync(_buffer, Stopping);
        _received.AddRange(_buffer.AsSpan(0, count));
        return count > 0;
    }
}
