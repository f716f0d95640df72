using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>The environment variables that let AWS SDKs call a local server.</summary>
internal static class ServerVariables
{
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
