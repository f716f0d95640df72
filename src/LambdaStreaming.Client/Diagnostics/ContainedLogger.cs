using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Diagnostics;

/// <summary>Ignores the exceptions of the app's logger, so that they cannot change the outcome of a call.</summary>
/// <remarks>LambdaStreaming.AspNetCore and LambdaStreaming.Testing compile this file, too.</remarks>
internal sealed class ContainedLogger(ILogger logger) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return logger.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        try
        {
            logger.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // Ignored.
        }
    }
}
