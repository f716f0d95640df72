using System.Diagnostics;
using System.Globalization;

namespace LambdaStreaming.Benchmarks;

/// <summary>One of the implementations that are compared.</summary>
/// <param name="Name">The name in the table.</param>
/// <param name="Run">Does the work once and returns a number that must be the same for all contenders.</param>
internal sealed record Contender(string Name, Func<Task<long>> Run);

/// <summary>The result of a contender, compared with the first one.</summary>
/// <param name="Name">The name of the contender.</param>
/// <param name="Nanoseconds">The median time of one operation, in nanoseconds.</param>
/// <param name="Ratio">The median of the ratios of its time to that of the first contender in the same round.</param>
/// <param name="RatioLow">The lower quartile of the ratios.</param>
/// <param name="RatioHigh">The upper quartile of the ratios.</param>
/// <param name="MinimumRatio">
/// The ratio of its fastest round to the fastest round of the first contender, which excludes other load.
/// </param>
/// <param name="AllocatedBytes">The allocated bytes per operation.</param>
/// <param name="Times">The time of one operation in each round, in nanoseconds.</param>
internal sealed record Result(
    string Name,
    double Nanoseconds,
    double Ratio,
    double RatioLow,
    double RatioHigh,
    double MinimumRatio,
    double AllocatedBytes,
    IReadOnlyList<double> Times)
{
    public string Spread => Rounds.Text($"{Ratio:0.00} ({RatioLow:0.00}–{RatioHigh:0.00})");

    /// <summary>Returns median and quartiles of the ratios to another contender's times in the same round.</summary>
    public string SpreadOver(Result other)
    {
        var ratios = Times.Zip(other.Times, (own, others) => own / others).Order().ToList();
        var (low, high) = (ratios[ratios.Count / 4], ratios[ratios.Count * 3 / 4]);
        return Rounds.Text($"{Rounds.Median(ratios):0.0} ({low:0.0}–{high:0.0})");
    }
}

/// <summary>Comparison of contenders within one process. Each round runs them in a random order.</summary>
/// <remarks>Times are compared within each round, so that a slower machine affects all contenders alike.</remarks>
internal static class Rounds
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(400);
    private const int MinWarmUpRuns = 60;

    /// <summary>Runs all contenders.</summary>
    /// <param name="contenders">The contenders; the first one is the baseline.</param>
    /// <param name="operations">Number of operations per run.</param>
    /// <param name="rounds">Number of measured rounds.</param>
    public static async Task<IReadOnlyList<Result>> RunAsync(
        IReadOnlyList<Contender> contenders,
        int operations,
        int rounds)
    {
        // Warm up twice, because code that runs for the first time can prevent the optimization of earlier code.
        long? expected = null;
        foreach (var contender in contenders.Concat(contenders))
        {
            var started = Stopwatch.GetTimestamp();
            for (var i = 0; NeedsWarmUp(i, Stopwatch.GetElapsedTime(started)); i++)
            {
                var result = await contender.Run();
                if (result != (expected ??= result))
                    throw new InvalidOperationException($"{contender.Name} returned {result}, the others {expected}.");
            }
        }

        var times = contenders.Select(_ => new List<double>()).ToList();
        var allocated = new double[contenders.Count];
        var order = Enumerable.Range(0, contenders.Count).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            Random.Shared.Shuffle(order);
            foreach (var index in order)
            {
                var bytes = GC.GetTotalAllocatedBytes(precise: true);
                var started = Stopwatch.GetTimestamp();
                await contenders[index].Run();
                times[index].Add(Stopwatch.GetElapsedTime(started).TotalNanoseconds / operations);
                allocated[index] = (GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)operations;
            }
        }

        return [.. contenders.Select((contender, index) =>
        {
            var ratios = times[index].Zip(times[0], (own, first) => own / first).Order().ToList();
            return new Result(
                contender.Name,
                Median(times[index]),
                Median(ratios),
                ratios[rounds / 4],
                ratios[rounds * 3 / 4],
                times[index].Min() / times[0].Min(),
                allocated[index],
                times[index]);
        })];
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>Formats median and quartiles.</summary>
    public static string Spread(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return Text($"{Median(sorted):0.00} ({sorted[sorted.Count / 4]:0.00}–{sorted[sorted.Count * 3 / 4]:0.00})");
    }

    /// <summary>Formats parts of a text with the invariant culture and concatenates them.</summary>
    public static string Text(params FormattableString[] parts) =>
        string.Concat(parts.Select(part => part.ToString(CultureInfo.InvariantCulture)));

    private static bool NeedsWarmUp(int runs, TimeSpan elapsed) =>
        elapsed < WarmUp || (runs < MinWarmUpRuns && elapsed < WarmUp * 5);
}
