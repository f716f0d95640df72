using System.Diagnostics.CodeAnalysis;
using Amazon.SSO;
using Amazon.SSOOIDC;
using Amazon.SecurityToken;

namespace LambdaStreaming.Tool;

internal static class Program
{
    // AWSSDK.Core creates these by name, with the credentials of the profile. A client that is registered instead, as
    // AWSSDK.Core recommends for native AOT, does not receive the credentials of source_profile.
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSecurityTokenServiceClient))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSecurityTokenServiceConfig))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSSOClient))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSSOConfig))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSSOOIDCClient))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSSOOIDCConfig))]
    public static async Task<int> Main(string[] args)
    {
        var console = ToolConsole.CreateForProcess();
        using var signals = new ShutdownSignals(console);
        return await LambdaStreamCommand.RunAsync(args, console, signals.Token);
    }
}
