using System.Net.Sockets;
using LambdaStreaming.Testing.Faults;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.Http;

/// <summary>Writes the bytes of one HTTP response, and can truncate it after any byte.</summary>
/// <remarks>
/// Only <c>aborted</c>, which is cancelled when the client disconnects or the server stops, cancels a write: Kestrel
/// aborts the connection if a write is cancelled. The caller must observe the same token. A token that is linked to it
/// might not be cancelled yet when a write ends.
/// </remarks>
internal sealed class RawResponseWriter(
    HttpContext context, ReceivedRequest request, InjectedFaults faults, CancellationToken aborted)
{
    private readonly ConnectionOutput _output = context.Features.GetRequiredFeature<ConnectionOutput>();

    // How long to wait, after closing a connection, until the client closes it too.
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private long _bytesSent;

    /// <summary>Whether the response is complete or aborted, so that nothing more can be written.</summary>
    public bool HasEnded { get; private set; }

    // Kestrel can detect the end of the connection later than the output, or earlier.
    private bool IsConnected => _output.IsConnected && !context.RequestAborted.IsCancellationRequested;

    public async Task StartAsync(int statusCode, IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        context.Response.StatusCode = statusCode;
        // The date and request id of a raw response replace those of the server.
        foreach ((var name, _) in headers)
            context.Response.Headers.Remove(name);
        foreach ((var name, var value) in headers)
            context.Response.Headers.Append(name, value);
        request.StatusCode = statusCode;
        await context.Response.StartAsync(aborted).ConfigureAwait(false);
        await context.Response.BodyWriter.FlushAsync(aborted).ConfigureAwait(false);
        await TruncateIfDueAsync().ConfigureAwait(false);
    }

    /// <summary>Writes and flushes. Does nothing if the response has ended.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty && !HasEnded)
        {
            // Throw, because Kestrel discards writes after the client has disconnected.
            aborted.ThrowIfCancellationRequested();
            var untilTruncation = (faults.Truncation?.AfterBytes ?? long.MaxValue) - _bytesSent;
            var length = (int)Math.Min(Math.Min(bytes.Length, faults.FragmentBytes ?? int.MaxValue), untilTruncation);
            await context.Response.BodyWriter.WriteAsync(FlipBits(bytes[..length]), aborted).ConfigureAwait(false);
            request.AddBytesSent(length);
            _bytesSent += length;
            bytes = bytes[length..];
            if (faults.FragmentBytes is not null)
                await _output.WaitUntilSentAsync(aborted).ConfigureAwait(false);
            await TruncateIfDueAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Sends a service error, which completes the response.</summary>
    /// <remarks>Truncations and other faults of bytes do not apply to it.</remarks>
    public async Task WriteErrorAsync(ServiceErrorResponse error)
    {
        request.SetError(error);
        await ServiceErrors.WriteAsync(context.Response, error, aborted).ConfigureAwait(false);
        await CompleteAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the response properly. Does nothing if it has ended.</summary>
    public async Task CompleteAsync()
    {
        if (HasEnded) return;
        HasEnded = true;
        await context.Response.CompleteAsync().ConfigureAwait(false);
        await WaitUntilSentAsync().ConfigureAwait(false);
        request.EndedByServer = IsConnected;
    }

    /// <summary>Ends the response early. Does nothing if it has ended.</summary>
    public async Task AbortAsync(TruncationMode mode)
    {
        if (HasEnded) return;
        request.IsTruncated = true;
        if (mode == TruncationMode.EndOfBody)
        {
            await CompleteAsync().ConfigureAwait(false);
            return;
        }

        HasEnded = true;
        await WaitUntilSentAsync().ConfigureAwait(false);
        request.EndedByServer = IsConnected;
        var socket = context.Features.Get<IConnectionSocketFeature>()?.Socket;
        if (mode == TruncationMode.Reset)
        {
            socket?.Close(timeout: 0);
        }
        else if (socket is { Connected: true })
        {
            // Send FIN first. Aborting immediately would send RST, which can overtake bytes that the client has not yet
            // read.
            var clientClosed = Task.Delay(CloseTimeout, TimeProvider.System, aborted);
            socket.Shutdown(SocketShutdown.Send);
            await clientClosed.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        context.Abort();
    }

    private async Task TruncateIfDueAsync()
    {
        if (faults.Truncation is { } truncation && _bytesSent >= truncation.AfterBytes)
            await AbortAsync(truncation.Mode).ConfigureAwait(false);
    }

    // Closing a connection discards what has not been sent.
    private async Task WaitUntilSentAsync() =>
        await _output.WaitUntilSentAsync(aborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private ReadOnlyMemory<byte> FlipBits(ReadOnlyMemory<byte> bytes)
    {
        if (!faults.FlippedBytes.Exists(IsIncluded)) return bytes;
        var copy = bytes.ToArray();
        foreach (var offset in faults.FlippedBytes)
        {
            if (IsIncluded(offset)) copy[offset - _bytesSent] ^= 1;
        }

        return copy;

        bool IsIncluded(long offset) => offset >= _bytesSent && offset < _bytesSent + bytes.Length;
    }
}
