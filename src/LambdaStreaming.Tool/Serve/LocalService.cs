using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Testing;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Tool.Serve;

/// <summary>The defaults of <c>serve</c>, which <c>invoke --local</c> uses as well.</summary>
internal static class LocalService
{
    public const int DefaultPort = 9001;

    private const int MaxAttempts = 3;

    public static Uri DefaultUrl { get; } = new($"http://127.0.0.1:{DefaultPort}");

    public static RegionEndpoint Region { get; } = new LocalLambdaServerOptions().Region;

    public static AWSCredentials Credentials { get; } = new LocalLambdaServerOptions().Credentials;

    /// <summary>Sets the options of a client that the command line does not set.</summary>
    /// <remarks>
    /// The flags and the number of attempts are set, too. Otherwise, those of the environment or the profile would
    /// apply. FIPS and dual stack cannot be combined with an address, and the profile might be invalid.
    /// </remarks>
    public static void ApplyTo(LambdaStreamingClientOptions options)
    {
        options.ServiceUrl ??= DefaultUrl;
        options.Region ??= Region;
        if (options.Profile is null)
            options.Credentials = Credentials;
        options.UseFipsEndpoint = false;
        options.UseDualStackEndpoint = false;
        options.Retry.MaxAttempts = MaxAttempts;
        if (WebPageGuard.IsLoopback(options.ServiceUrl.Host))
            Loopback.BypassProxy(options);
    }

    public static ToolException CreatePortNotAvailable(int port, Exception exception) => new(
        ExitCode.Local,
        $"Port {port} on 127.0.0.1 is not available: {exception.Message.TrimEnd('.')}. "
        + "Specify another --port, or --port 0 for a free port.",
        exception);
}
