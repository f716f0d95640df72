using System.CommandLine.Parsing;
using System.Globalization;

namespace LambdaStreaming.Tool;

/// <summary>Parses and formats durations such as <c>500ms</c>, <c>30s</c>, <c>2m</c> and <c>1h</c>.</summary>
/// <remarks>A number without a unit is a number of seconds.</remarks>
internal static partial class Duration
{
    private static readonly (string Suffix, double Seconds)[] Units =
        [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("", 1)];

    // The maximum of .NET's timers is 2^32 - 2 ms, which is more than 49 days.
    private const double MaxSeconds = 49 * 24 * 3600;

    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        var (suffix, seconds) = Units.First(unit => text.EndsWith(unit.Suffix, StringComparison.Ordinal));
        var digits = text.AsSpan(0, text.Length - suffix.Length);
        if (!double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return false;
        if (number * seconds is not (>= 0 and <= MaxSeconds))
            return false;
        duration = TimeSpan.FromSeconds(number * seconds);
        return true;
    }

    /// <summary>Parses the value of an option that requires a positive duration.</summary>
    public static TimeSpan? Parse(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        if (TryParse(text, out var duration) && duration > TimeSpan.Zero)
            return duration;
        result.AddError(
            $"'{text}' is not a valid duration. Use a positive value such as 500ms, 30s, 2m or 1h (at most 49 days).");
        return null;
    }
}
