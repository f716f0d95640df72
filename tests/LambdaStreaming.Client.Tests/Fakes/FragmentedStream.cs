using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Tests;

/// <summary>Bytes that arrive in given pieces: a read never gives more than the rest of a piece.</summary>
internal sealed class FragmentedStream(byte[] bytes, Func<int> nextPiece, bool breaksOff = false) : ForwardStream
{
    private int _position;
    private int _pieceLeft;

    /// <summary>Whether a read yields before it answers, as a socket does that has to wait.</summary>
    public bool Asynchronous { get; init; }

    public bool IsDisposed { get; private set; }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Asynchronous) await Task.Yield();
        if (buffer.IsEmpty) return 0;
        if (_position == bytes.Length) return breaksOff ? throw new IOException("The connection broke.") : 0;

        if (_pieceLeft == 0) _pieceLeft = nextPiece();
        var count = Math.Min(Math.Min(_pieceLeft, buffer.Length), bytes.Length - _position);
        bytes.AsMemory(_position, count).CopyTo(buffer);
        _position += count;
        _pieceLeft -= count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }
}
