using LambdaStreaming.Errors;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.ResponseStream;

/// <summary>Options for reading one response.</summary>
internal sealed record ResponseStreamReaderOptions
{
    public required int MaxMessageBytes { get; init; }

    public required TimeSpan IdleTimeout { get; init; }

    public required TimeProvider TimeProvider { get; init; }

    public required ILogger Logger { get; init; }

    public required bool ThrowOnFunctionError { get; init; }

    /// <summary>Whether messages contain the function's own error message.</summary>
    public bool IncludeFunctionErrorDetails { get; init; }

    /// <summary>Prepares text of the response for messages and logs.</summary>
    public Redactor Redactor { get; init; } = Redactor.None;

    /// <summary>The content that the response headers announce, if it is not an event stream.</summary>
    public UnexpectedContent? UnexpectedContent { get; init; }
}

/// <summary>Content that is not an event stream, according to the response headers.</summary>
/// <remarks>It is reported only if the bytes of the body are not an event stream either.</remarks>
/// <param name="Reason">Which header is unexpected.</param>
/// <param name="Description">The header and its value, for messages.</param>
internal sealed record UnexpectedContent(ResponseStreamCorruptionReason Reason, string Description);
