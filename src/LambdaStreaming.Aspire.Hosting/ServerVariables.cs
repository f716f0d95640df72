using Aspire.Hosting.ApplicationModel;

namespace LambdaStreaming.Aspire.Hosting;

/// <summary>The environment variables that AWS SDKs read, for calls of a local server.</summary>
internal static class ServerVariables
{
    public static async Task SetAsync(EnvironmentCallbackContext context, LambdaStreamingServerResource resource)
    {
        // A deployed app calls AWS.
        if (context.ExecutionContext.IsPublishMode) return;

        var server = await resource.GetServerAsync(context.CancellationToken).ConfigureAwait(false);
        var credentials = await server.Credentials.GetCredentialsAsync().ConfigureAwait(false);
        var variables = context.EnvironmentVariables;
        variables["AWS_ENDPOINT_URL_LAMBDA"] = server.ServiceUrl.GetLeftPart(UriPartial.Authority);
        variables["AWS_REGION"] = server.Region.SystemName;
        variables["AWS_DEFAULT_REGION"] = server.Region.SystemName;
        variables["AWS_ACCESS_KEY_ID"] = credentials.AccessKey;
        variables["AWS_SECRET_ACCESS_KEY"] = credentials.SecretKey;
        // An inherited token does not belong to these keys.
        variables["AWS_SESSION_TOKEN"] = credentials.Token ?? "";
    }
}
