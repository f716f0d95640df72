using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;
using Amazon.SSO;
using Amazon.SSOOIDC;
using Amazon.SecurityToken;
using LambdaStreaming;

AwsClients.Keep();
using var client = new LambdaStreamingClient();
var (prompt, types) = (new Prompt("Tell me a story"), AppJson.Default);
await foreach (var token in client.InvokeJsonValuesAsync("tokens", prompt, types.Prompt, types.Token))
{
    Console.Write(token?.Text);
}

// AWSSDK.Core creates these clients by name, for some profiles.
internal static class AwsClients
{
    // Profiles that assume a role (package AWSSDK.SecurityToken):
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSecurityTokenServiceClient))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSecurityTokenServiceConfig))]
    // Profiles that sign in with SSO (packages AWSSDK.SSO and AWSSDK.SSOOIDC):
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSSOClient))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSSOConfig))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSSOOIDCClient))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(AmazonSSOOIDCConfig))]
    public static void Keep()
    {
    }
}

internal sealed record Prompt(string Text);

internal sealed record Token(string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Prompt))]
[JsonSerializable(typeof(Token))]
internal sealed partial class AppJson : JsonSerializerContext;
