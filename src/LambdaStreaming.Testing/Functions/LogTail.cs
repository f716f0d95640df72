using System.Text;

namespace LambdaStreaming.Testing.Functions;

/// <summary>The last 4 KB of a function's log.</summary>
internal sealed class LogTail
{
    // Source: AWS Lambda API reference, InvokeWithResponseStreamCompleteEvent, LogResult: the last 4 KB of the
    // execution log.
    private const int MaxBytes = 4 * 1024;

    private readonly object _gate = new();
    private byte[] _tail = [];

    public void Append(string line)
    {
        lock (_gate)
        {
            byte[] all = [.. _tail, .. Encoding.UTF8.GetBytes(line + "\n")];
            _tail = all[Math.Max(0, all.Length - MaxBytes)..];
        }
    }

    public string ToBase64()
    {
        lock (_gate) return Convert.ToBase64String(_tail);
    }
}
