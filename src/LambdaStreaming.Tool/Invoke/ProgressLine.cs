using System.Globalization;
using Spectre.Console;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>One line on a terminal that says how far an answer has come, while it goes to a file.</summary>
internal static class ProgressLine
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    public static Task RunAsync(IAnsiConsole console, StreamStatistics stats, string name, TimeProvider timeProvider, Func<Task> read) =>
        console.Live(Line(stats, name)).AutoClear(true).StartAsync(async live =>
        {
            var reading = read();
            while (!reading.IsCompleted)
            {
                live.UpdateTarget(Line(stats, name));
                await Task.WhenAny(reading, Task.Delay(Pace, timeProvider));
            }

            await reading;
        });

    private static Text Line(StreamStatistics stats, string name)
    {
        var seconds = Math.Max(stats.Elapsed.TotalSeconds, 0.001);
        return new Text(string.Create(CultureInfo.InvariantCulture, $"{ExternalText.ToLine(name)}  {ByteCount.Show(stats.Bytes)}  {ByteCount.Show(stats.Bytes / seconds)}/s  {Count.Format(stats.Chunks, "chunk")}  {Duration.Show(stats.Elapsed)}"))
        {
            Overflow = Overflow.Ellipsis,
        };
    }
}
