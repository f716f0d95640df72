namespace LambdaStreaming.Testing.Signing;

/// <summary>The parts of an HTTP request that a signature covers, as sent by the client.</summary>
internal sealed record SignedRequest(
    string Method,
    string Path,
    string Query,
    IReadOnlyList<KeyValuePair<string, string>> Headers,
    ReadOnlyMemory<byte> Body)
{
    public string? FindHeader(string name)
    {
        foreach ((var key, var value) in Headers)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase)) return value;
        }

        return null;
    }
}
