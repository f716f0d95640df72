namespace LambdaStreaming.Http.Requests;

/// <summary>Buffers the content of a request, whose length might not be known, up to the service's limit.</summary>
internal sealed class RequestBuffer : MemoryStream
{
    /// <summary>Whether the content exceeds the limit. The buffer then contains only a part of it.</summary>
    public bool IsTooLong { get; private set; }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        RequireRoom(buffer.Length);
        base.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        RequireRoom(count);
        base.Write(buffer, offset, count);
    }

    public override void WriteByte(byte value)
    {
        RequireRoom(1);
        base.WriteByte(value);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        RequireRoom(count);
        return base.WriteAsync(buffer, offset, count, cancellationToken);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        RequireRoom(buffer.Length);
        return base.WriteAsync(buffer, cancellationToken);
    }

    public ReadOnlyMemory<byte> WrittenMemory => GetBuffer().AsMemory(0, (int)Length);

    private void RequireRoom(int count)
    {
        IsTooLong |= count > FunctionUrlEvent.MaxPayloadBytes - Position;
        if (IsTooLong) throw RequestPayload.TooLarge();
    }
}
