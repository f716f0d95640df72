using Aspire.Hosting.ApplicationModel;
using LambdaStreaming.Testing.RuntimeApi;
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
        // The app can inherit them, or its profile can have them.
        foreach (var name in ServerVariables.Conflicting) variables[name] = "false";
        AddNoProxy(context);
    }

    // The app can inherit a proxy, which cannot reach the server.
    private static void AddNoProxy(EnvironmentCallbackContext context)
    {
        // The Runtime API has the same host, so the processes of a function have it in their variables.
        if (context.Resource is LambdaStreamingFunctionResource) return;
        var variables = context.EnvironmentVariables;
        if (variables.Keys.Contains("NO_PROXY", StringComparer.OrdinalIgnoreCase)) return;
        foreach (var (name, hosts) in NoProxy.GetInherited(isDotNet: context.Resource is ProjectResource))
            variables[name] = hosts;
    }
}
