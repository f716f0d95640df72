using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Log messages with example values.</summary>
internal static class LogScenarios
{
    private const string Function = "my-function";

    public static MessageArea Area { get; } = new("Log messages",
    [
        Create("Attempt", LogLevel.Debug, logger => Log.AttemptSent(logger, 1, Function)),
        Create("Response headers", LogLevel.Debug, logger => Log.ResponseHeadersReceived(logger, Function, 200, "r-1")),
        Create("Retry", LogLevel.Debug, logger => Log.AttemptFailed(
            logger, 1, Function, nameof(TooManyRequestsException), TimeSpan.FromSeconds(1.5))),
        Create("Unknown event", LogLevel.Debug, logger => Log.UnknownEventSkipped(logger, Function, "FutureEvent")),
        Create("Bytes after the end", LogLevel.Warning, logger => Log.BytesAfterInvokeComplete(logger, Function, 7)),
        Create("Body does not end", LogLevel.Debug, logger => Log.DrainFailed(logger, Function, nameof(IOException))),
        Create("HttpClient with a timeout", LogLevel.Warning, logger => Log.HttpClientHasTimeout(
            logger, TimeSpan.FromSeconds(100))),
    ]);

    private static MessageScenario Create(string name, LogLevel level, Action<ILogger> write) =>
        new(name, $"{level}", () =>
        {
            // Collects messages of this level or above, so that a message of a lower level fails the test.
            using var logs = new CollectedLogs { Level = level };
            write(logs);
            return Assert.Single(logs.Lines).Trim();
        });
}
