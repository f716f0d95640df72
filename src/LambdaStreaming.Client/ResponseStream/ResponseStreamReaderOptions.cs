using LambdaStreaming.Http;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.ResponseStream;

/// <summary>How one answer is read.</summary>
internal sealed record ResponseStreamReaderOptions
{
    public required int MaxMessageBytes { get; init; }

    public required TimeSpan IdleTimeout { get; init; }

    public required TimeProvider TimeProvider { get; init; }

    public required ILogger Logger { get; init; }

    public required bool ThrowOnFunctionError { get; init; }

    /// <summary>The request, where one was sent: no message may show its secrets, whatever the answer echoes.</summary>
    public HttpRequestMessage? Request { get; init; }

    /// <summary>The payload of <see cref="Request"/>.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The content type of the head, where it is given and not that of an event stream.</summary>
    public string? UnexpectedContentType { get; init; }

    /// <summary>What of the request no message may show.</summary>
    public IReadOnlyList<string> NotToRepeat() => Request is null ? [] : ErrorText.NotToRepeat(Request, Payload);
}
