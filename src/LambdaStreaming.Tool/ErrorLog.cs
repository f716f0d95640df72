using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Tool;

/// <summary>The log messages of the libraries on standard error, for <c>--debug</c>.</summary>
internal sealed class ErrorLog(TextWriter error) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new CategoryLog(error, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private sealed class CategoryLog(TextWriter error, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            var message = ExternalText.ToLine($"{logLevel} {category}: {formatter(state, exception)}");
            var details = exception is null ? "" : $"\n{ExternalText.ToLines(exception.ToString(), "  ")}";
            error.WriteLine(message + details);
        }
    }
}
