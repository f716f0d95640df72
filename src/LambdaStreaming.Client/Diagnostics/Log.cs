using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Diagnostics;

/// <summary>All log messages of this library.</summary>
/// <remarks>Event ids are never reused. Messages contain neither payloads nor secrets.</remarks>
internal static partial class Log
{
    public const string Category = LambdaStreamingTelemetry.LogCategory;

    [LoggerMessage(EventId = 1, Level = LogLevel.Debug, Message = "Sending attempt {Attempt} for {Function}.")]
    public static partial void AttemptSent(ILogger logger, int attempt, string function);

    [LoggerMessage(
        EventId = 2,
        Level = LogLevel.Debug,
        Message = "Received HTTP {StatusCode} from {Function}, request id {RequestId}.")]
    public static partial void ResponseHeadersReceived(
        ILogger logger,
        string function,
        int statusCode,
        string? requestId);

    [LoggerMessage(
        EventId = 3,
        Level = LogLevel.Debug,
        Message = "Attempt {Attempt} for {Function} failed with {Error}. Retrying after {Delay}.")]
    public static partial void AttemptFailed(
        ILogger logger,
        int attempt,
        string? function,
        string error,
        TimeSpan delay);

    [LoggerMessage(
        EventId = 4,
        Level = LogLevel.Debug,
        Message = "Skipped an event of the unknown type {EventType} in the response from {Function}.")]
    public static partial void UnknownEventSkipped(ILogger logger, string? function, string eventType);

    [LoggerMessage(
        EventId = 5,
        Level = LogLevel.Warning,
        Message = "Ignored {Bytes} bytes after InvokeComplete in the response from {Function}.")]
    public static partial void BytesAfterInvokeComplete(ILogger logger, string? function, long bytes);

    [LoggerMessage(
        EventId = 6,
        Level = LogLevel.Debug,
        Message = "The response from {Function} is complete, but its body did not end after InvokeComplete ({Reason}). "
            + "The connection is closed.")]
    public static partial void DrainFailed(ILogger logger, string? function, string reason);

    [LoggerMessage(
        EventId = 20,
        Level = LogLevel.Warning,
        Message = "The custom HttpClient has a Timeout of {Timeout}. It ends calls whose response headers arrive "
            + "later; their functions keep running and are billed. Set HttpClient.Timeout to "
            + "Timeout.InfiniteTimeSpan, because this client has its own limits.")]
    public static partial void HttpClientHasTimeout(ILogger logger, TimeSpan timeout);
}
