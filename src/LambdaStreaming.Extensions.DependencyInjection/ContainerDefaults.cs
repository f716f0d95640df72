using Amazon.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LambdaStreaming.DependencyInjection;

/// <summary>Takes logger factory, clock and credentials from the container if they are not configured.</summary>
internal sealed class ContainerDefaults(IServiceProvider services) : IPostConfigureOptions<LambdaStreamingClientOptions>
{
    public void PostConfigure(string? name, LambdaStreamingClientOptions options)
    {
        options.LoggerFactory ??= services.GetService<ILoggerFactory>();
        if (ReferenceEquals(options.TimeProvider, TimeProvider.System))
        {
            options.TimeProvider = services.GetService<TimeProvider>() ?? options.TimeProvider;
        }

        // A configured profile supplies its own credentials, so those of the container are not used.
        if (options.Profile is null) options.Credentials ??= services.GetService<AWSCredentials>();
    }
}
