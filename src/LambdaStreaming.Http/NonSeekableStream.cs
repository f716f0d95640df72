namespace LambdaStreaming.Http;

/// <summary>Base class of streams that can be read but cannot seek, and that have no buffer to flush.</summary>
/// <remarks>LambdaStreaming.Testing compiles this file, too; LambdaStreaming.Tool uses that copy.</remarks>
internal abstract class NonSeekableStream : Stream
{
    public sealed override bool CanRead => true;

    public sealed override bool CanSeek => false;

    public sealed override long Length => throw new NotSupportedException();

    public sealed override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public sealed override void Flush()
    {
    }

    public sealed override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public sealed override void SetLength(long value) => throw new NotSupportedException();
}
