using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace LambdaStreaming.AspNetCore.Tests.BrowserClients;

/// <summary>A TCP proxy on loopback that closes connections without data for a time, as load balancers do.</summary>
internal sealed class IdleProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Connection, bool> _open = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly int _targetPort;
    private readonly TimeSpan _idleLimit;
    private readonly TimeProvider _clock;
    private readonly Task _accepting;

    public IdleProxy(Uri target, TimeSpan idleLimit, TimeProvider clock)
    {
        _targetPort = target.Port;
        _idleLimit = idleLimit;
        _clock = clock;
        _listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
        _accepting = AcceptAsync();
    }

    public Uri Url { get; }

    /// <summary>Returns how many open connections have received data from the server after a time.</summary>
    public int CountActive(DateTimeOffset after) => _open.Keys.Count(connection => connection.LastResponseData > after);

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        _listener.Dispose();
        await _accepting;
        foreach (var connection in _open.Keys) connection.Close();
        _stopped.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ForwardAsync(await _listener.AcceptTcpClientAsync(_stopped.Token));
        }
        catch (OperationCanceledException)
        {
            // The proxy has stopped.
        }
    }

    private async Task ForwardAsync(TcpClient client)
    {
        var server = new TcpClient();
        using var connection = new Connection(client, server, _idleLimit, _clock);
        _open[connection] = true;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _targetPort, _stopped.Token);
            await Task.WhenAny(connection.CopyRequestsAsync(), connection.CopyResponsesAsync());
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // The app or the proxy has stopped.
        }
        finally
        {
            _open.TryRemove(connection, out _);
        }
    }

    private sealed class Connection(TcpClient client, TcpClient server, TimeSpan idleLimit, TimeProvider clock)
        : IDisposable
    {
        private ITimer? _timer;

        public DateTimeOffset LastResponseData { get; private set; }

        public Task CopyRequestsAsync() => CopyAsync(client, server, () => { });

        public Task CopyResponsesAsync() => CopyAsync(server, client, () => LastResponseData = clock.GetUtcNow());

        public void Close()
        {
            client.Close();
            server.Close();
        }

        public void Dispose()
        {
            _timer?.Dispose();
            Close();
        }

        private async Task CopyAsync(TcpClient from, TcpClient to, Action onData)
        {
            var buffer = new byte[16 * 1024];
            try
            {
                while (await from.GetStream().ReadAsync(buffer) is > 0 and var count)
                {
                    Touch();
                    await to.GetStream().WriteAsync(buffer.AsMemory(0, count));
                    onData();
                }
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException
                or InvalidOperationException)
            {
                // One side has closed the connection: ForwardAsync closes the other.
            }
        }

        private void Touch()
        {
            if (_timer is null) _timer = clock.CreateTimer(_ => Close(), null, idleLimit, Timeout.InfiniteTimeSpan);
            else _timer.Change(idleLimit, Timeout.InfiniteTimeSpan);
        }
    }
}
