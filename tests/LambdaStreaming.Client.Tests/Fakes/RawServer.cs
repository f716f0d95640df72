using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace LambdaStreaming.Tests;

/// <summary>A TCP listener on loopback whose connections follow a script: for what no HTTP server would do.</summary>
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

    /// <summary>A server that answers every request with <paramref name="answer"/>.</summary>
    public static RawServer Responding(byte[] answer) => new(async connection =>
    {
        while (await connection.ReadRequestAsync() is not null) await connection.WriteAsync(answer);
    });

    public Uri Url { get; }

    /// <summary>How many requests arrived with head and body whole: a function would have been run for each.</summary>
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
        await Task.WhenAll([_accepting, .. _connections]).WaitAsync(LocalService.TooLong);
    }

    /// <summary>Head and body of an HTTP answer with a known length.</summary>
    public static byte[] Answer(int status, byte[] body, params string[] headers) =>
        [.. Encoding.ASCII.GetBytes($"HTTP/1.1 {status} X\r\n{string.Concat(headers.Select(header => header + "\r\n"))}Content-Length: {body.Length}\r\n\r\n"), .. body];

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptSocketAsync(_stopping.Token);
                _connections.Add(RunAsync(socket, Interlocked.Increment(ref _connectionCount)));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task RunAsync(Socket socket, int number)
    {
        await Task.Yield();
        using var connection = new RawConnection(socket, number, () => Interlocked.Increment(ref _completeRequests), _stopping.Token);
        try
        {
            await _script(connection);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client has left, or the test is over.
        }
    }
}

/// <summary>One accepted connection of a <see cref="RawServer"/>.</summary>
public sealed class RawConnection(Socket socket, int number, Func<int> countRequest, CancellationToken stopping) : IDisposable
{
    private readonly List<byte> _received = [];
    private readonly byte[] _buffer = new byte[64 * 1024];

    /// <summary>1 for the first connection.</summary>
    public int Number { get; } = number;

    public CancellationToken Stopping { get; } = stopping;

    /// <summary>Reads until <paramref name="count"/> bytes have come since the last request.</summary>
    public async Task ReadBytesAsync(int count)
    {
        while (_received.Count < count && await ReceiveAsync())
        {
        }
    }

    /// <summary>Reads one whole request.</summary>
    /// <returns>Its head; <see langword="null"/> when the client closed the connection instead.</returns>
    public async Task<string?> ReadRequestAsync()
    {
        int end;
        while ((end = CollectionsMarshal.AsSpan(_received).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!await ReceiveAsync()) return null;
        }

        var head = Encoding.Latin1.GetString(CollectionsMarshal.AsSpan(_received)[..end]);
        var length = head.Split("\r\n").Where(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)).Select(line => int.Parse(line[15..], CultureInfo.InvariantCulture)).FirstOrDefault();
        var whole = end + 4 + length;
        while (_received.Count < whole)
        {
            if (!await ReceiveAsync()) return null;
        }

        _received.RemoveRange(0, whole);
        countRequest();
        return head;
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
