using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Testing.Http;

/// <summary>Creates loggers that ignore the exceptions of the app's loggers.</summary>
/// <remarks>An exception of a logger would end the loop in which Kestrel accepts connections.</remarks>
internal sealed class ContainedLoggerFactory(ILoggerFactory factory) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new ContainedLogger(factory.CreateLogger(categoryName));

    public void AddProvider(ILoggerProvider provider) => factory.AddProvider(provider);

    // The factory belongs to the app.
    public void Dispose()
    {
    }
}
