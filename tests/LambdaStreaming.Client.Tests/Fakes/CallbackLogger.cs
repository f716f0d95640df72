using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Tests;

/// <summary>A logger that calls functions of the test.</summary>
internal sealed class CallbackLogger : ILoggerFactory, ILogger
{
    /// <summary>Called with the id and the text of each message.</summary>
    public Action<EventId, string>? Logging { get; set; }

    /// <summary>Called when the library asks whether a level is enabled. All levels are.</summary>
    public Action? CheckingLevel { get; init; }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        CheckingLevel?.Invoke();
        return true;
    }

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter) => Logging?.Invoke(eventId, formatter(state, exception));

    public void Dispose()
    {
    }
}
