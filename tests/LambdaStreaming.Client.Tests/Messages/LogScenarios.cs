using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Log messages, with examples of their values.</summary>
internal static class LogScenarios
{
    private const string Function = "my-function";

    public static MessageArea Area { get; } = new("Log messages",
    [
        Of("Attempt", LogLevel.Debug, logger => Log.AttemptSent(logger, 1, Function)),
        Of("Response headers", LogLevel.Debug, logger => Log.ResponseHeadersReceived(logger, Function, 200, "r-1")),
        Of("Retry", LogLevel.Debug, logger => Log.AttemptFailed(
            logger, 1, Function, nameof(TooManyRequestsException), TimeSpan.FromSeconds(1.5))),
        Of("Unknown event", LogLevel.Debug, logger => Log.UnknownEventSkipped(logger, Function, "FutureEvent")),
        Of("Bytes after the end", LogLevel.Warning, logger => Log.BytesAfterInvokeComplete(logger, Function, 7)),
        Of("Body does not end", LogLevel.Debug, logger => Log.DrainFailed(logger, Function, nameof(IOException))),
        Of("HttpClient with a timeout", LogLevel.Warning, logger => Log.HttpClientHasTimeout(
            logger, TimeSpan.FromSeconds(100))),
    ]);

    private static MessageScenario Of(string name, LogLevel level, Action<ILogger> write) => new(name, $"{level}", () =>
    {
        // Collects this level and all above it: a lower level would collect nothing.
        using var logs = new CollectedLogs { Level = level };
        write(logs);
        return Assert.Single(logs.Lines).Trim();
    });
}
