using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Diagnostics;

/// <summary>Every log message of this library. Ids are never used again; no message holds a payload or a secret.</summary>
internal static partial class Log
{
    public const string Category = Telemetry.Name;

    [LoggerMessage(EventId = 1, Level = LogLevel.Debug, Message = "Attempt {Attempt} on {Function} is sent.")]
    public static partial void AttemptSent(ILogger logger, int attempt, string function);

    [LoggerMessage(EventId = 2, Level = LogLevel.Debug, Message = "{Function} answers: HTTP {StatusCode}, request id {RequestId}.")]
    public static partial void ResponseHeadersReceived(ILogger logger, string function, int statusCode, string? requestId);

    [LoggerMessage(EventId = 3, Level = LogLevel.Debug, Message = "Attempt {Attempt} on {Function} failed with {Error}; next in {Delay}.")]
    public static partial void AttemptFailed(ILogger logger, int attempt, string? function, string error, TimeSpan delay);

    [LoggerMessage(EventId = 4, Level = LogLevel.Debug, Message = "The answer of {Function} holds an event of the unknown type {EventType}; it is skipped.")]
    public static partial void UnknownEventSkipped(ILogger logger, string? function, string eventType);

    [LoggerMessage(EventId = 5, Level = LogLevel.Warning, Message = "{Bytes} bytes came after the InvokeComplete of {Function}; they are ignored.")]
    public static partial void BytesAfterInvokeComplete(ILogger logger, string? function, long bytes);

    [LoggerMessage(EventId = 6, Level = LogLevel.Debug, Message = "The body of {Function} did not end soon after InvokeComplete ({Reason}); the connection is closed. The answer was whole.")]
    public static partial void DrainFailed(ILogger logger, string? function, string reason);

    [LoggerMessage(EventId = 20, Level = LogLevel.Warning, Message = "The HttpClient that was given has a Timeout of {Timeout}: an answer that begins later is given up, and its function runs on and is billed. Set HttpClient.Timeout to Timeout.InfiniteTimeSpan; this client's own limits hold.")]
    public static partial void HttpClientHasTimeout(ILogger logger, TimeSpan timeout);
}
