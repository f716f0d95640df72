using System.Globalization;

namespace LambdaStreaming.Tool;

/// <content>The part that LambdaStreaming.Aspire.Hosting uses as well.</content>
internal static partial class Duration
{
    public static string Format(TimeSpan duration) => duration switch
    {
        { TotalMilliseconds: < 1000 } =>
            string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0.#} ms"),
        { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.00} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalMinutes}:{duration.Seconds:00} min"),
    };
}
