using System.Buffers;
using System.Text;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>The destination of the response.</summary>
/// <remarks>Each write is passed to the operating system immediately, as one write.</remarks>
internal sealed class OutputWriter(OutputFile? file, ToolConsole console)
{
    private readonly Stream _stream = file?.Stream ?? console.Output;
    private readonly string _name = file is null ? "Standard output" : $"The file {file.Name}";
    private byte[] _buffer = new byte[16 * 1024];
    private Task _write = Task.CompletedTask;

    /// <summary>Whether standard output, so far, does not end with a line end.</summary>
    public bool EndsMidLine { get; private set; }

    public Task WriteAsync(string text, CancellationToken cancellationToken)
    {
        EnsureCapacity(Encoding.UTF8.GetMaxByteCount(text.Length));
        return WriteBufferAsync(Encoding.UTF8.GetBytes(text, _buffer), cancellationToken);
    }

    public Task WriteAsync(ReadOnlySequence<byte> bytes, CancellationToken cancellationToken)
    {
        var length = checked((int)bytes.Length);
        EnsureCapacity(length);
        bytes.CopyTo(_buffer);
        return WriteBufferAsync(length, cancellationToken);
    }

    /// <summary>Waits for an abandoned write. Until it has ended, nothing else can be written.</summary>
    /// <returns>Whether it has succeeded, so that the output ends with the complete text.</returns>
    public async Task<bool> EndAbandonedWriteAsync(CancellationToken cancellationToken)
    {
        await _write.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _write.IsCompletedSuccessfully;
    }

    private void EnsureCapacity(int length)
    {
        if (_buffer.Length < length)
            _buffer = new byte[length];
    }

    // A write to a full pipe cannot be cancelled, but Ctrl-C must work. So cancellation abandons the write.
    // The bytes are copied because an abandoned write still uses them.
    private async Task WriteBufferAsync(int length, CancellationToken cancellationToken)
    {
        if (length == 0)
            return;
        EndsMidLine = file is null && _buffer[length - 1] != '\n';
        try
        {
            _write = _stream.WriteAsync(_buffer.AsMemory(0, length), CancellationToken.None).AsTask();
            await _write.WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (
            exception is IOException { HResult: not Failure.BrokenPipe } or UnauthorizedAccessException)
        {
            throw new ToolException(
                ExitCode.Local,
                $"{_name} cannot be written: {exception.Message.TrimEnd('.')}. "
                + "The connection is closed. The function might still be running.",
                exception);
        }
    }
}
