using System.Text.Json.Serialization;
using LambdaStreaming;

using var client = new LambdaStreamingClient();

var (prompt, types) = (new Prompt("Tell me a story"), TokenJson.Default);
await foreach (var token in client.InvokeJsonValuesAsync("tokens", prompt, types.Prompt, types.Token))
{
    Console.Write(token?.Text);
}

internal sealed record Prompt(string Text);

internal sealed record Token(string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Prompt))]
[JsonSerializable(typeof(Token))]
internal sealed partial class TokenJson : JsonSerializerContext;
