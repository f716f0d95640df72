using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Tests;

/// <summary>A stream whose bytes arrive in fragments: a read never crosses the end of a fragment.</summary>
internal sealed class FragmentedStream(byte[] bytes, Func<int> nextSize, bool breaksOff = false) : ForwardStream
{
    private int _position;
    private int _remainingInFragment;

    /// <summary>True if each read completes asynchronously, like that of a waiting socket.</summary>
    public bool Asynchronous { get; init; }

    public bool IsDisposed { get; private set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Asynchronous) await Task.Yield();
        if (buffer.IsEmpty) return 0;
        if (_position == bytes.Length) return breaksOff ? throw new IOException("The connection broke.") : 0;

        if (_remainingInFragment == 0) _remainingInFragment = nextSize();
        var count = Math.Min(Math.Min(_remainingInFragment, buffer.Length), bytes.Length - _position);
        bytes.AsMemory(_position, count).CopyTo(buffer);
        _position += count;
        _remainingInFragment -= count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }
}
