using Amazon.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LambdaStreaming.DependencyInjection;

/// <summary>Fills in what options leave out and the container has.</summary>
internal sealed class ContainerDefaults(IServiceProvider services) : IPostConfigureOptions<LambdaStreamingClientOptions>
{
    public void PostConfigure(string? name, LambdaStreamingClientOptions options)
    {
        options.LoggerFactory ??= services.GetService<ILoggerFactory>();
        if (ReferenceEquals(options.TimeProvider, TimeProvider.System) && services.GetService<TimeProvider>() is { } timeProvider) options.TimeProvider = timeProvider;
        // A profile that the options name has credentials of its own.
        if (options.Profile is null) options.Credentials ??= services.GetService<AWSCredentials>();
    }
}
