using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>The defaults of <c>serve</c>, which <c>invoke --local</c> uses as well.</summary>
internal static class LocalService
{
    public const int DefaultPort = 9001;

    public static Uri DefaultUrl { get; } = new($"http://127.0.0.1:{DefaultPort}");

    public static RegionEndpoint Region { get; } = new LocalLambdaServerOptions().Region;

    public static AWSCredentials Credentials { get; } = new LocalLambdaServerOptions().Credentials;

    public static ToolException CreatePortNotAvailable(int port, Exception exception) => new(
        ExitCode.Local,
        $"Port {port} on 127.0.0.1 is not available: {exception.Message.TrimEnd('.')}. "
        + "Specify another --port, or --port 0 for a free port.",
        exception);
}
