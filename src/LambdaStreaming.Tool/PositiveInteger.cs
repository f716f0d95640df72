using System.CommandLine;
using System.Globalization;

namespace LambdaStreaming.Tool;

/// <summary>Options whose value is a whole number of a range. The value is read here: asking the parser for one that it can't read throws.</summary>
internal static class PositiveInteger
{
    public static void Require<T>(Option<T> option, long min, long max = int.MaxValue) => option.Validators.Add(result =>
    {
        if (result.Tokens.Count != 1) return;
        var text = result.Tokens[0].Value;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max) return;
        result.AddError($"{option.Name} '{text}' is no whole number {(max >= int.MaxValue ? $"from {min}" : $"from {min} to {max}")}.");
    });
}
