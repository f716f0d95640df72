using System.Text;

namespace LambdaStreaming.Testing.Functions;

/// <summary>The last 4 KB of a function's log.</summary>
internal sealed class LogTail
{
    // Source: AWS Lambda API reference, InvokeWithResponseStreamCompleteEvent, LogResult: the last 4 KB of the
    // execution log.
    private const int MaxBytes = 4 * 1024;

    private readonly object _gate = new();
    private readonly Queue<byte[]> _lines = new();
    private int _bytes;

    public void Append(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        lock (_gate)
        {
            _lines.Enqueue(bytes);
            _bytes += bytes.Length;
            while (_bytes - _lines.Peek().Length >= MaxBytes)
                _bytes -= _lines.Dequeue().Length;
        }
    }

    public string ToBase64()
    {
        lock (_gate)
        {
            byte[] all = [.. _lines.SelectMany(line => line)];
            return Convert.ToBase64String(all.AsSpan(Math.Max(0, all.Length - MaxBytes)));
        }
    }
}
