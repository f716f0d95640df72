using System.Buffers;
using System.Runtime.CompilerServices;

namespace LambdaStreaming.Payload;

/// <summary>The unread bytes of a payload as one span. As long as a value lies within one piece nothing is copied.</summary>
internal sealed class PayloadBuffer(PayloadSegmentReader cursor) : IDisposable
{
    private ReadOnlyMemory<byte> _unread;

    // Where a value goes over the border of a piece: [_start, _start + _unread.Length) of a pooled array.
    private byte[] _array = [];
    private int _start;
    private bool _isCopied;
    private bool _atBeginning = true;

    public ReadOnlySpan<byte> Unread => _unread.Span;

    /// <summary>Where in the payload <see cref="Unread"/> begins, in bytes.</summary>
    public long Offset { get; private set; }

    /// <summary>Whether the payload ended, well, with what is unread.</summary>
    public bool IsEnd { get; private set; }

    public PayloadSegmentReader Cursor => cursor;

    public void Consume(int count)
    {
        _unread = _unread[count..];
        Offset += count;
        if (_isCopied) _start += count;
    }

    /// <summary>Leaves out a UTF-8 byte order mark at the very beginning.</summary>
    /// <returns><see langword="false"/> while it can't be said whether there is one.</returns>
    public bool TrySkipByteOrderMark()
    {
        if (!_atBeginning) return true;
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        if (!IsEnd && Unread.Length < mark.Length && mark.StartsWith(Unread)) return false;
        if (Unread.StartsWith(mark)) Consume(mark.Length);
        _atBeginning = false;
        return true;
    }

    /// <summary>Adds the next piece behind the unread bytes, which may move.</summary>
    public ValueTask ReadMoreAsync()
    {
        if (!_unread.IsEmpty && !_isCopied) CopyToArray();
        if (!cursor.TryMoveNext()) return ReadMoreCoreAsync();
        Append(cursor.Current);
        return default;
    }

    public void Dispose()
    {
        _unread = default;
        Release(ref _array);
        cursor.Dispose();
    }

    /// <summary>Makes room for <paramref name="more"/> bytes behind the first <paramref name="count"/> of an array of the pool, at least doubling it.</summary>
    public static void Reserve(ref byte[] array, int count, int more)
    {
        if (array.Length - count >= more) return;
        var grown = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(2L * array.Length, count + (long)more, Array.MaxLength));
        array.AsSpan(0, count).CopyTo(grown);
        Release(ref array);
        array = grown;
    }

    /// <summary>Gives an array of <see cref="Reserve"/> back.</summary>
    public static void Release(ref byte[] array)
    {
        if (array.Length > 0) ArrayPool<byte>.Shared.Return(array);
        array = [];
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReadMoreCoreAsync()
    {
        if (await cursor.MoveNextAsync().ConfigureAwait(false)) Append(cursor.Current);
        else IsEnd = true;
    }

    private void Append(ReadOnlyMemory<byte> piece)
    {
        if (_unread.IsEmpty)
        {
            _isCopied = false;
            _unread = piece;
            return;
        }

        var count = _unread.Length;
        if (_start + count + piece.Length > _array.Length && _start > 0)
        {
            _array.AsSpan(_start, count).CopyTo(_array);
            _start = 0;
        }

        Reserve(ref _array, _start + count, piece.Length);
        piece.CopyTo(_array.AsMemory(_start + count));
        _unread = _array.AsMemory(_start, count + piece.Length);
    }

    private void CopyToArray()
    {
        _start = 0;
        Reserve(ref _array, 0, _unread.Length);
        _unread.CopyTo(_array);
        _unread = _array.AsMemory(0, _unread.Length);
        _isCopied = true;
    }
}
