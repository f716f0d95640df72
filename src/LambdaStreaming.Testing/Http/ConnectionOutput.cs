using System.Buffers;
using System.IO.Pipelines;

namespace LambdaStreaming.Testing.Http;

/// <summary>Sends what Kestrel writes to a connection, and reports when it has been sent.</summary>
/// <remarks>
/// It sends immediately, on another thread. Writes during a send are sent together: a system call for each small write
/// takes several times as long as everything else. Kestrel's own output does the same, but does not report when bytes
/// have been sent. A truncated response needs that: its connection must not be closed before.
/// </remarks>
internal sealed class ConnectionOutput(Stream stream) : PipeWriter
{
    private readonly Pipe _pipe = new(new PipeOptions(useSynchronizationContext: false));
    private readonly object _lock = new();
    private TaskCompletionSource? _allSent;
    private long _bytesWritten;
    private long _bytesSent;
    private bool _hasEnded;
    private volatile bool _isConnected = true;

    /// <summary>Whether everything so far could be sent.</summary>
    public bool IsConnected => _isConnected;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _pipe.Writer.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _pipe.Writer.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _pipe.Writer.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        _pipe.Writer.Advance(bytes);
        Interlocked.Add(ref _bytesWritten, bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        _pipe.Writer.FlushAsync(cancellationToken);

    public override void CancelPendingFlush() => _pipe.Writer.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => _pipe.Writer.Complete();

    /// <summary>Sends until <see cref="Complete"/> is called and everything before it has been sent.</summary>
    public async Task SendAsync()
    {
        ReadResult read;
        do
        {
            read = await _pipe.Reader.ReadAsync().ConfigureAwait(false);
            // After a disconnection, Kestrel's read aborts the request. Until then, discard what is written.
            if (_isConnected) _isConnected = await TrySendAsync(read.Buffer).ConfigureAwait(false);
            var length = read.Buffer.Length;
            _pipe.Reader.AdvanceTo(read.Buffer.End);
            AddSent(length, read.IsCompleted);
        }
        while (!read.IsCompleted);
    }

    /// <summary>Waits until everything that was flushed before has been sent or the client has disconnected.</summary>
    public async Task WaitUntilSentAsync(CancellationToken cancellationToken)
    {
        Task allSent;
        lock (_lock)
        {
            if (_hasEnded || _bytesSent == Interlocked.Read(ref _bytesWritten)) return;
            _allSent ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            allSent = _allSent.Task;
        }

        await allSent.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> TrySendAsync(ReadOnlySequence<byte> bytes)
    {
        try
        {
            foreach (var segment in bytes) await stream.WriteAsync(segment).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return false;
        }
    }

    private void AddSent(long count, bool hasEnded)
    {
        lock (_lock)
        {
            _bytesSent += count;
            _hasEnded = hasEnded;
            if (!hasEnded && _bytesSent != Interlocked.Read(ref _bytesWritten)) return;
            _allSent?.SetResult();
            _allSent = null;
        }
    }
}
