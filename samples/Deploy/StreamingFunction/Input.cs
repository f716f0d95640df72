namespace StreamingFunction;

/// <summary>The payload of the function.</summary>
/// <param name="Name">The name in the greeting.</param>
/// <param name="Fail">Whether the function fails after its words.</param>
internal sealed record Input(string Name = "world", bool Fail = false);
