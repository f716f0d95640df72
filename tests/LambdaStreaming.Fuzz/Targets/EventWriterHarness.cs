using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using LambdaStreaming.AspNetCore.Responses;
using LambdaStreaming.ResponseStream;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Fuzz;

/// <summary>The body of a response in memory, which all runs of a thread share.</summary>
internal sealed class MemoryBody : PipeWriter, IHttpResponseBodyFeature
{
    private byte[] _bytes = new byte[16 * 1024];
    private int _length;

    public MemoryBody()
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpResponseBodyFeature>(this);
        Tracking = new TrackingPipeWriter(context);
    }

    /// <summary>The library's writer to this body.</summary>
    public TrackingPipeWriter Tracking { get; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public Stream Stream => Stream.Null;

    public PipeWriter Writer => this;

    public void Reset() => _length = 0;

    public override void Advance(int bytes) => _length += bytes;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        var size = Math.Max(sizeHint, 256);
        if (_bytes.Length - _length < size) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + size));
        return _bytes.AsMemory(_length);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        new(default(FlushResult));

    public override void CancelPendingFlush() => throw new NotSupportedException();

    public override void Complete(Exception? exception = null) => throw new NotSupportedException();

    public void DisableBuffering()
    {
    }

    public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task CompleteAsync() => Task.CompletedTask;
}

/// <summary>A stream whose fragments arrive when the target delivers them.</summary>
internal sealed class DeliveredStream(byte[] bytes, int start, Func<int> nextSize)
    : ForwardStream, IValueTaskSource<int>
{
    private ManualResetValueTaskSourceCore<int> _pending;
    private int _remainingInFragment;

    /// <summary>The number of bytes that were read.</summary>
    public int Delivered { get; private set; } = start;

    /// <summary>Whether the next read without a buffer waits for <see cref="Deliver"/>.</summary>
    public bool IsWaiting { get; private set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            if (_remainingInFragment > 0) return new(0);
            _remainingInFragment = nextSize();
            if (_remainingInFragment % 2 == 0) return new(0);
            IsWaiting = true;
            _pending.Reset();
            return new(this, _pending.Version);
        }

        var count = Math.Min(Math.Min(Math.Max(_remainingInFragment, 1), buffer.Length), bytes.Length - Delivered);
        bytes.AsSpan(Delivered, count).CopyTo(buffer.Span);
        Delivered += count;
        _remainingInFragment -= count;
        return new(count);
    }

    /// <summary>Ends the pending read.</summary>
    public void Deliver()
    {
        IsWaiting = false;
        _pending.SetResult(0);
    }

    int IValueTaskSource<int>.GetResult(short token) => _pending.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _pending.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _pending.OnCompleted(continuation, state, token, flags);
}

/// <summary>A clock with one timer, which the target moves.</summary>
internal sealed class ManualClock : TimeProvider, ITimer
{
    private TimerCallback? _callback;
    private object? _state;
    private long _now;
    private bool _isSet;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        (_callback, _state) = (callback, state);
        return this;
    }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        _isSet = dueTime != Timeout.InfiniteTimeSpan;
        return true;
    }

    /// <summary>Advances the time and fires the timer, if it is set.</summary>
    public void Fire(TimeSpan elapsed)
    {
        _now += elapsed.Ticks;
        if (!_isSet) return;
        _isSet = false;
        _callback!(_state);
    }

    public void Dispose() => _isSet = false;

    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }
}
