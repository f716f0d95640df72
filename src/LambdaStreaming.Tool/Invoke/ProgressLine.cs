using LambdaStreaming.Errors;
using Spectre.Console;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>A line on a terminal that shows the progress of a response that is written to a file.</summary>
internal static class ProgressLine
{
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    public static Task RunAsync(IAnsiConsole console, StreamStatistics statistics, string name, Func<Task> read) =>
        console.Live(CreateLine(statistics, name)).AutoClear(true).StartAsync(async live =>
        {
            var reading = read();
            while (!reading.IsCompleted)
            {
                live.UpdateTarget(CreateLine(statistics, name));
                await Task.WhenAny(reading, Task.Delay(RefreshInterval, TimeProvider.System));
            }

            await reading;
        });

    private static Text CreateLine(StreamStatistics statistics, string name)
    {
        var seconds = Math.Max(statistics.Elapsed.TotalSeconds, 0.001);
        var text = string.Join(
            "  ",
            ExternalText.ToLine(name),
            ByteCount.Format(statistics.Bytes),
            ByteCount.Format(statistics.Bytes / seconds) + "/s",
            ExceptionMessages.Count(statistics.Chunks, "chunk"),
            Duration.Format(statistics.Elapsed));
        return new Text(text) { Overflow = Overflow.Ellipsis };
    }
}
