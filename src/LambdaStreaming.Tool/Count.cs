using System.Globalization;

namespace LambdaStreaming.Tool;

/// <summary>A number of things as people say it.</summary>
internal static class Count
{
    public static string Format(long number, string what) => string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");
}
