namespace LambdaStreaming.Tool;

/// <summary>Formats a number with its noun in the singular or plural.</summary>
internal static class Count
{
    public static string Format(long number, string noun) => $"{number} {noun}{(number == 1 ? "" : "s")}";
}
