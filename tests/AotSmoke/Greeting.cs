using System.Text.Json.Serialization;

namespace LambdaStreaming.AotSmoke;

internal sealed record Greeting(string Name);

[JsonSerializable(typeof(Greeting))]
internal sealed partial class Json : JsonSerializerContext;
