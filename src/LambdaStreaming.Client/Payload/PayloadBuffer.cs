using System.Buffers;
using System.Runtime.CompilerServices;

namespace LambdaStreaming.Payload;

/// <summary>The unread bytes of a payload as one span. A value inside one segment is not copied.</summary>
internal sealed class PayloadBuffer(PayloadSegmentReader segments) : IDisposable
{
    private ReadOnlyMemory<byte> _unread;

    // If a value spans segments, _isCopied is true: the unread bytes are then [_start, _start + _unread.Length) of this
    // pooled array.
    private byte[] _array = [];
    private int _start;
    private bool _isCopied;
    private bool _isAtBeginning = true;

    public ReadOnlySpan<byte> Unread => _unread.Span;

    /// <summary>Offset of <see cref="Unread"/> in the payload, in bytes.</summary>
    public long Offset { get; private set; }

    /// <summary>Whether the payload is complete: no bytes follow the unread bytes.</summary>
    public bool IsEnd { get; private set; }

    public PayloadSegmentReader Segments => segments;

    public void Consume(int count)
    {
        _unread = _unread[count..];
        Offset += count;
        if (_isCopied) _start += count;
    }

    /// <summary>Skips a UTF-8 byte order mark at the beginning of the payload.</summary>
    /// <returns><see langword="false"/> if more bytes are needed to recognize it.</returns>
    public bool TrySkipByteOrderMark()
    {
        if (!_isAtBeginning) return true;
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        if (!IsEnd && Unread.Length < mark.Length && mark.StartsWith(Unread)) return false;
        if (Unread.StartsWith(mark)) Consume(mark.Length);
        _isAtBeginning = false;
        return true;
    }

    /// <summary>Appends the next segment to the unread bytes, or sets <see cref="IsEnd"/>.</summary>
    /// <remarks>The unread bytes can move in memory. Spans of Unread that were read before are then invalid.</remarks>
    public ValueTask ReadMoreAsync()
    {
        if (!_unread.IsEmpty && !_isCopied) CopyToArray();
        if (!segments.TryMoveNext()) return ReadMoreCoreAsync();
        Append(segments.Current);
        return default;
    }

    public void Dispose()
    {
        _unread = default;
        Release(ref _array);
        segments.Dispose();
    }

    /// <summary>Ensures that a pooled array has room for <paramref name="more"/> bytes after its content.</summary>
    /// <param name="array">The array. A replacement has at least twice its length.</param>
    /// <param name="count">Number of bytes of content.</param>
    /// <param name="more">Number of bytes to add.</param>
    public static void Reserve(ref byte[] array, int count, int more)
    {
        if (array.Length - count >= more) return;
        var length = (int)Math.Clamp(2L * array.Length, count + (long)more, Array.MaxLength);
        var larger = ArrayPool<byte>.Shared.Rent(length);
        array.AsSpan(0, count).CopyTo(larger);
        Release(ref array);
        array = larger;
    }

    /// <summary>Returns an array of <see cref="Reserve"/> to the pool.</summary>
    public static void Release(ref byte[] array)
    {
        if (array.Length > 0) ArrayPool<byte>.Shared.Return(array);
        array = [];
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask ReadMoreCoreAsync()
    {
        if (await segments.MoveNextAsync().ConfigureAwait(false)) Append(segments.Current);
        else IsEnd = true;
    }

    private void Append(ReadOnlyMemory<byte> segment)
    {
        if (_unread.IsEmpty)
        {
            _isCopied = false;
            _unread = segment;
            return;
        }

        var count = _unread.Length;
        if (_start + (long)count + segment.Length > _array.Length && _start > 0)
        {
            _array.AsSpan(_start, count).CopyTo(_array);
            _start = 0;
        }

        Reserve(ref _array, _start + count, segment.Length);
        segment.CopyTo(_array.AsMemory(_start + count));
        _unread = _array.AsMemory(_start, count + segment.Length);
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
