using Microsoft.Extensions.Logging;

namespace LambdaStreaming.AspNetCore.Diagnostics;

/// <summary>All log messages of this package.</summary>
/// <remarks>Event ids are never reused. Messages do not contain payloads or secrets.</remarks>
internal static partial class Log
{
    public const string Category = "LambdaStreaming.AspNetCore";

    [LoggerMessage(
        EventId = 201,
        Message = "Returning HTTP {StatusCode} for {Path}: the call failed before the first byte of the response.")]
    public static partial void FailedBeforeFirstByte(
        ILogger logger,
        LogLevel level,
        string path,
        int statusCode,
        Exception exception);

    [LoggerMessage(
        EventId = 202,
        Level = LogLevel.Information,
        Message = "Rejected the request for {Path} with HTTP {StatusCode}: {Detail}")]
    public static partial void RequestRejected(ILogger logger, string path, int statusCode, string detail);

    [LoggerMessage(
        EventId = 203,
        Level = LogLevel.Warning,
        Message = "Dropped a value of the response header {Name} for {Path}: "
            + "the name or the value contains a character that is not allowed in an HTTP header.")]
    public static partial void HeaderDropped(ILogger logger, string name, string path);

    [LoggerMessage(
        EventId = 204,
        Level = LogLevel.Debug,
        Message = "The client disconnected from {Path}; the response is not read further. "
            + "If the function has started, it runs to completion and is billed.")]
    public static partial void ClientDisconnected(ILogger logger, string path);

    [LoggerMessage(
        EventId = 205,
        Level = LogLevel.Debug,
        Message = "Dropped the response header {Name} for {Path}: it controls a proxy or the entire host. "
            + "To forward it, add it to AllowedControlHeaders.")]
    public static partial void ControlHeaderDropped(ILogger logger, string name, string path);

    [LoggerMessage(
        EventId = 206,
        Level = LogLevel.Warning,
        Message = "Dropped the headers and cookies of the function's HTTP prelude for {Path}: the headers were sent "
            + "before the function responded, because ContentType is text/event-stream.")]
    public static partial void PreludeDropped(ILogger logger, string path);

    [LoggerMessage(
        EventId = 207,
        Level = LogLevel.Warning,
        Message = "The event that reports the failure of {Path} could not be written. The response still ends as "
            + "incomplete.")]
    public static partial void FailureNotWritten(ILogger logger, string path, Exception exception);
}
