using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>The environment variables that let AWS SDKs call a local server.</summary>
internal static class ServerVariables
{
    /// <summary>Variables that must not be true: they cannot be combined with the address, or disable it.</summary>
    public static IReadOnlyList<string> Conflicting { get; } =
        ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"];

    public static async Task<IReadOnlyList<(string Name, string Value)>> GetAsync(LocalLambdaServer server)
    {
        var credentials = await server.Credentials.GetCredentialsAsync().ConfigureAwait(false);
        return
        [
            ("AWS_ENDPOINT_URL_LAMBDA", server.ServiceUrl.GetLeftPart(UriPartial.Authority)),
            ("AWS_REGION", server.Region.SystemName),
            ("AWS_DEFAULT_REGION", server.Region.SystemName),
            ("AWS_ACCESS_KEY_ID", credentials.AccessKey),
            ("AWS_SECRET_ACCESS_KEY", credentials.SecretKey),
        ];
    }
}
