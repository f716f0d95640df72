using Aspire.Hosting.ApplicationModel;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Aspire.Hosting;

/// <summary>Sets the environment of a resource that calls the functions of a local server.</summary>
internal static class ServerReference
{
    public static async Task ApplyAsync(EnvironmentCallbackContext context, LambdaStreamingServerResource resource)
    {
        // A deployed app calls AWS.
        if (context.ExecutionContext.IsPublishMode) return;

        var server = await resource.GetServerAsync(context.CancellationToken).ConfigureAwait(false);
        var variables = context.EnvironmentVariables;
        foreach (var (name, value) in await ServerVariables.GetAsync(server).ConfigureAwait(false))
            variables[name] = value;
        // An inherited token does not belong to these keys.
        var credentials = await server.Credentials.GetCredentialsAsync().ConfigureAwait(false);
        variables["AWS_SESSION_TOKEN"] = credentials.Token ?? "";
        // These cannot be combined with the address, or would ignore it. The app can inherit them, or its profile can
        // have them.
        variables["AWS_USE_FIPS_ENDPOINT"] = "false";
        variables["AWS_USE_DUALSTACK_ENDPOINT"] = "false";
        variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "false";
    }
}
