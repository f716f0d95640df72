using Microsoft.Extensions.Logging;

namespace LambdaStreaming.AspNetCore.Diagnostics;

/// <summary>Every log message of this package. Ids are never used again; no message holds a payload or a secret.</summary>
internal static partial class Log
{
    public const string Category = "LambdaStreaming.AspNetCore";

    [LoggerMessage(EventId = 201, Message = "{Path} is answered with {StatusCode}: the function could not answer.")]
    public static partial void FailedBeforeFirstByte(ILogger logger, LogLevel level, string path, int statusCode, Exception exception);

    [LoggerMessage(EventId = 202, Level = LogLevel.Information, Message = "{Path} is answered with {StatusCode}: {Detail}")]
    public static partial void RequestRefused(ILogger logger, string path, int statusCode, string detail);

    [LoggerMessage(EventId = 203, Level = LogLevel.Warning, Message = "A value of the header {Name} of the function behind {Path} has a character that no header may have; it is left out.")]
    public static partial void HeaderDropped(ILogger logger, string name, string path);

    [LoggerMessage(EventId = 204, Level = LogLevel.Debug, Message = "The browser left {Path}; the answer is read no further. The function runs on, and is billed to its end.")]
    public static partial void ClientDisconnected(ILogger logger, string path);

    [LoggerMessage(
        EventId = 205,
        Level = LogLevel.Debug,
        Message = "The header {Name} of the function behind {Path} is dropped because it controls a proxy or the entire host. "
            + "AllowedControlHeaders can allow it.")]
    public static partial void ControlHeaderDropped(ILogger logger, string name, string path);
}
