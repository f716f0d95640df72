using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Aspire.Hosting;

/// <summary>The lines in the logs of the resources.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(1, LogLevel.Information, "Listening on {Url}")]
    public static partial void ServerStarted(this ILogger log, Uri url);

    [LoggerMessage(2, LogLevel.Error, "{Reason}")]
    public static partial void StartFailed(this ILogger log, string reason);

    [LoggerMessage(3, LogLevel.Information, "{Line}")]
    public static partial void FunctionOutput(this ILogger log, string line);

    [LoggerMessage(4, LogLevel.Information, "{Text}")]
    public static partial void RequestStarted(this ILogger log, string text);

    [LoggerMessage(5, LogLevel.Information, "{Text}")]
    public static partial void RequestCompleted(this ILogger log, string text);

    [LoggerMessage(6, LogLevel.Warning, "{Text}")]
    public static partial void RequestFailed(this ILogger log, string text);

    [LoggerMessage(
        7,
        LogLevel.Warning,
        "The AppHost has the variable AWS_PROFILE, and its apps inherit it. In JavaScript, the AWS SDK uses that "
        + "profile instead of the credentials of this server. Start the AppHost without AWS_PROFILE.")]
    public static partial void ProfileIsInherited(this ILogger log);
}
