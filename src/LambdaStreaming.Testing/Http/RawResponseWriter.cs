using System.Net.Sockets;
using LambdaStreaming.Testing.Faults;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.Testing.Http;

/// <summary>One HTTP answer as bytes: what is written is on its way when the write returns, and can be cut at any byte.</summary>
internal sealed class RawResponseWriter(HttpContext context, ReceivedRequest request, InjectedFaults faults)
{
    // How long a closed connection may wait for its client to close too, before it is torn down.
    private static readonly TimeSpan CloseWait = TimeSpan.FromSeconds(5);

    private long _sent;

    /// <summary>Whether nothing more can be written: the answer ended, or was cut.</summary>
    public bool Ended { get; private set; }

    public async Task StartAsync(int statusCode, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken cancellationToken)
    {
        context.Response.StatusCode = statusCode;
        // What a raw answer says of its date or request id holds.
        foreach ((var name, _) in headers)
            context.Response.Headers.Remove(name);
        foreach ((var name, var value) in headers)
            context.Response.Headers.Append(name, value);
        request.StatusCode = statusCode;
        await context.Response.StartAsync(cancellationToken).ConfigureAwait(false);
        await context.Response.BodyWriter.FlushAsync(cancellationToken).ConfigureAwait(false);
        await TruncateIfDueAsync().ConfigureAwait(false);
    }

    /// <summary>Writes and flushes; does nothing once the answer has <see cref="Ended"/>.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty && !Ended)
        {
            // Kestrel swallows what is written after the client has gone.
            context.RequestAborted.ThrowIfCancellationRequested();
            var length = (int)Math.Min(Math.Min(bytes.Length, faults.FragmentBytes ?? int.MaxValue), (faults.Cut?.AfterBytes ?? long.MaxValue) - _sent);
            await context.Response.BodyWriter.WriteAsync(Flipped(bytes[..length]), cancellationToken).ConfigureAwait(false);
            request.AddBytesSent(length);
            _sent += length;
            bytes = bytes[length..];
            await TruncateIfDueAsync().ConfigureAwait(false);
        }
    }

    public async Task CompleteAsync()
    {
        Ended = true;
        await context.Response.CompleteAsync().ConfigureAwait(false);
        request.EndedByServer = !context.RequestAborted.IsCancellationRequested;
    }

    public async Task AbortAsync(TruncationMode mode)
    {
        if (mode == TruncationMode.EndOfBody)
        {
            await CompleteAsync().ConfigureAwait(false);
            return;
        }

        Ended = true;
        request.EndedByServer = true;
        var socket = context.Features.Get<IConnectionSocketFeature>()?.Socket;
        if (mode == TruncationMode.Reset)
        {
            socket?.Close(timeout: 0);
        }
        else if (socket is { Connected: true })
        {
            // FIN first: tearing down at once would turn it into a reset that may overtake bytes the client has yet to read.
            var clientClosed = Task.Delay(CloseWait, TimeProvider.System, context.RequestAborted);
            socket.Shutdown(SocketShutdown.Send);
            await clientClosed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        context.Abort();
    }

    private async Task TruncateIfDueAsync()
    {
        if (faults.Cut is { } cut && _sent >= cut.AfterBytes && !Ended) await AbortAsync(cut.Mode).ConfigureAwait(false);
    }

    private ReadOnlyMemory<byte> Flipped(ReadOnlyMemory<byte> bytes)
    {
        if (!faults.FlippedBytes.Exists(offset => offset >= _sent && offset < _sent + bytes.Length)) return bytes;
        var flipped = bytes.ToArray();
        foreach (var offset in faults.FlippedBytes)
        {
            if (offset >= _sent && offset < _sent + bytes.Length) flipped[offset - _sent] ^= 1;
        }

        return flipped;
    }
}
