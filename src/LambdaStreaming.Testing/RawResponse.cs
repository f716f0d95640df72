namespace LambdaStreaming.Testing;

/// <summary>An HTTP response of any headers and bytes, for responses that the service never sends.</summary>
public sealed class RawResponse
{
    /// <summary>The HTTP status.</summary>
    /// <value>Default: 200.</value>
    public int StatusCode { get; init; } = 200;

    /// <summary>The headers, in order. A name can occur more than once.</summary>
    /// <value>
    /// Default: empty. If absent, <c>Date</c>, <c>x-amzn-RequestId</c> and the headers for the body's framing are
    /// added.
    /// </value>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The body, in the segments in which it is written and flushed.</summary>
    /// <value>Default: empty.</value>
    public IReadOnlyList<ReadOnlyMemory<byte>> BodySegments { get; init; } = [];

    /// <summary>How the response ends after the last segment.</summary>
    /// <value>Default: <see cref="TruncationMode.EndOfBody"/>.</value>
    public TruncationMode End { get; init; } = TruncationMode.EndOfBody;
}
