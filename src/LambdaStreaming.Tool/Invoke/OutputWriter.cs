using System.Buffers;
using System.Text;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>Where the answer goes: each write is one write of the system, at once.</summary>
internal sealed class OutputWriter(OutputFile? file, ToolConsole console)
{
    private readonly Stream _stream = file?.Stream ?? console.Output;
    private readonly string _name = file is null ? "Standard output" : $"The file {file.Name}";
    private byte[] _copy = new byte[16 * 1024];
    private Task _write = Task.CompletedTask;

    /// <summary>Whether a write was left behind that has not ended: nothing more can be written.</summary>
    public bool HasPendingWrite => !_write.IsCompleted;

    /// <summary>Whether what comes next on a terminal would stand in the answer's last line.</summary>
    public bool EndsMidLine { get; private set; }

    public Task WriteAsync(string text, CancellationToken cancellationToken)
    {
        var length = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (_copy.Length < length) _copy = new byte[length];
        return WriteCopyAsync(Encoding.UTF8.GetBytes(text, _copy), cancellationToken);
    }

    public Task WriteAsync(ReadOnlySequence<byte> bytes, CancellationToken cancellationToken)
    {
        var length = checked((int)bytes.Length);
        if (_copy.Length < length) _copy = new byte[length];
        bytes.CopyTo(_copy);
        return WriteCopyAsync(length, cancellationToken);
    }

    // A write to a pipe that nobody empties can't be cancelled, and Ctrl-C must work all the same: it is left behind, with bytes of our own.
    private async Task WriteCopyAsync(int length, CancellationToken cancellationToken)
    {
        if (length == 0) return;
        EndsMidLine = _copy[length - 1] != '\n';
        try
        {
            _write = _stream.WriteAsync(_copy.AsMemory(0, length), CancellationToken.None).AsTask();
            await _write.WaitAsync(cancellationToken);
        }
        catch (IOException exception) when (exception.HResult == OutputClosedException.BrokenPipe)
        {
            throw new OutputClosedException(exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Local, $"{_name} can't be written: {exception.Message.TrimEnd('.')}. The connection is closed; the function may run on.", exception);
        }
    }
}
