namespace LambdaStreaming.Testing;

/// <summary>An HTTP answer byte for byte, for what the service would never send.</summary>
public sealed class RawResponse
{
    /// <summary>The HTTP status.</summary>
    /// <value>Default: 200.</value>
    public int StatusCode { get; init; } = 200;

    /// <summary>The headers, in order; a name may come more than once.</summary>
    /// <value>Default: none. HTTP adds <c>Date</c> and the framing of the body where they are absent.</value>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The body, in the pieces in which it is written and flushed.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<ReadOnlyMemory<byte>> BodySegments { get; init; } = [];

    /// <summary>How the answer ends after the last piece.</summary>
    /// <value>Default: <see cref="TruncationMode.EndOfBody"/>.</value>
    public TruncationMode End { get; init; } = TruncationMode.EndOfBody;
}
