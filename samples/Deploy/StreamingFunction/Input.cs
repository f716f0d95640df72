namespace StreamingFunction;

/// <summary>The payload of the function.</summary>
/// <param name="Prompt">The text that the function repeats.</param>
/// <param name="Fail">Whether the function fails after its words.</param>
internal sealed record Input(string Prompt = "nothing", bool Fail = false);
