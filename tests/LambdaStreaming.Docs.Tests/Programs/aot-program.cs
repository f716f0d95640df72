using System.Text.Json.Serialization;
using Amazon.Runtime;
using Amazon.RuntimeDependencies;
using Amazon.SSO;
using Amazon.SSOOIDC;
using Amazon.SecurityToken;
using LambdaStreaming;

// Only for profiles that assume a role (package AWSSDK.SecurityToken):
var packages = GlobalRuntimeDependencyRegistry.Instance;
packages.RegisterSecurityTokenServiceClient(
    context => new AmazonSecurityTokenServiceClient(context.SecurityTokenServiceClientContextData.Region));

// Only for profiles that sign in with SSO (packages AWSSDK.SSO and AWSSDK.SSOOIDC):
packages.RegisterSSOClient(
    context => new AmazonSSOClient(new AnonymousAWSCredentials(), context.SSOClientContextData.Region));
packages.RegisterSSOOIDCClient(
    context => new AmazonSSOOIDCClient(new AnonymousAWSCredentials(), context.SSOOIDCClientContextData.Region));

using var client = new LambdaStreamingClient();
var (prompt, types) = (new Prompt("Tell me a story"), AppJson.Default);
await foreach (var token in client.InvokeJsonValuesAsync("tokens", prompt, types.Prompt, types.Token))
{
    Console.Write(token?.Text);
}

internal sealed record Prompt(string Text);

internal sealed record Token(string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Prompt))]
[JsonSerializable(typeof(Token))]
internal sealed partial class AppJson : JsonSerializerContext;
