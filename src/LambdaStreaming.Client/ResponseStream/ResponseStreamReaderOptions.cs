using LambdaStreaming.Errors;
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

    /// <summary>Prepares the response's text for messages.</summary>
    public Redactor Redactor { get; init; } = Redactor.None;

    /// <summary>What the response headers announce, if that is not an event stream.</summary>
    public UnexpectedContent? UnexpectedContent { get; init; }
}

/// <summary>Response headers that do not announce an event stream.</summary>
/// <remarks>They are reported only if the bytes are not an event stream either.</remarks>
/// <param name="Reason">What is unexpected.</param>
/// <param name="Description">The header and its value, for messages.</param>
internal sealed record UnexpectedContent(ResponseStreamCorruptionReason Reason, string Description);
