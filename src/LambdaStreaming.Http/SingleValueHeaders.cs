using System.Collections.Frozen;

namespace LambdaStreaming.Http;

/// <summary>Headers of a response that have one value. LambdaStreaming.AspNetCore compiles this file, too.</summary>
internal static class SingleValueHeaders
{
    // HTTP permits one value of each of these headers. Browsers reject a response with two.
    private static readonly FrozenSet<string> Names = new[]
    {
        "Content-Disposition", "Content-Type", "Location",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool Contains(string name) => Names.Contains(name);
}
