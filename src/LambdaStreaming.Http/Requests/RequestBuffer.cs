namespace LambdaStreaming.Http.Requests;

/// <summary>Buffers the content of a request, whose length might not be known, up to the service's limit.</summary>
internal sealed class RequestBuffer : MemoryStream
{
    /// <summary>Whether the content exceeds the limit. The buffer then contains only a part of it.</summary>
    public bool IsTooLong { get; private set; }

    // The other methods that write, except WriteByte, call this one, because MemoryStream does so for derived types.
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

    public ReadOnlyMemory<byte> WrittenMemory => GetBuffer().AsMemory(0, (int)Length);

    private void RequireRoom(int count)
    {
        IsTooLong |= count > FunctionUrlEvent.MaxPayloadBytes - Position;
        if (IsTooLong) throw RequestPayload.TooLarge();
    }
}
