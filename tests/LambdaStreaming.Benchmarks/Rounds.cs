using System.Diagnostics;
using System.Globalization;

namespace LambdaStreaming.Benchmarks;

/// <summary>One way to do a piece of work.</summary>
/// <param name="Name">How the table calls it.</param>
/// <param name="Run">Does the work once and returns a number that the other contenders must return too.</param>
internal sealed record Contender(string Name, Func<Task<long>> Run);

/// <summary>What a contender took, beside the first one.</summary>
/// <param name="Name">The contender's.</param>
/// <param name="Nanoseconds">The median of its rounds, of one operation.</param>
/// <param name="Ratio">The median over the rounds of its time divided by the first one's.</param>
/// <param name="RatioLow">The lower quartile of that.</param>
/// <param name="RatioHigh">The upper quartile of that.</param>
/// <param name="LeastRatio">Its fastest round divided by the first one's fastest: what both are when nothing else runs.</param>
/// <param name="AllocatedBytes">Of one operation.</param>
/// <param name="Times">Nanoseconds of one operation, round by round.</param>
internal sealed record Result(
    string Name,
    double Nanoseconds,
    double Ratio,
    double RatioLow,
    double RatioHigh,
    double LeastRatio,
    double AllocatedBytes,
    IReadOnlyList<double> Times)
{
    public string Spread => Rounds.Text($"{Ratio:0.00} ({RatioLow:0.00}–{RatioHigh:0.00})");

    /// <summary>Median and quartiles of the times divided by those of another contender, round by round.</summary>
    public string SpreadOver(Result other)
    {
        var ratios = Times.Zip(other.Times, (own, theirs) => own / theirs).Order().ToList();
        var (low, high) = (ratios[ratios.Count / 4], ratios[ratios.Count * 3 / 4]);
        return Rounds.Text($"{Rounds.Median(ratios):0.0} ({low:0.0}–{high:0.0})");
    }
}

/// <summary>Runs contenders in turn, in shuffled rounds within one process, and compares them round by round: a machine that slows down slows all of them.</summary>
internal static class Rounds
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(400);
    private const int MinWarmUpRuns = 60;

    /// <param name="contenders">The first is what the others are divided by.</param>
    /// <param name="operations">How many operations one run does.</param>
    /// <param name="rounds">How many rounds count.</param>
    public static async Task<IReadOnlyList<Result>> RunAsync(IReadOnlyList<Contender> contenders, int operations, int rounds)
    {
        // Twice over: code that runs for the first time keeps the compiler from optimising what ran before.
        long? expected = null;
        foreach (var contender in contenders.Concat(contenders))
        {
            var started = Stopwatch.GetTimestamp();
            for (var i = 0; i < MinWarmUpRuns && Stopwatch.GetElapsedTime(started) < WarmUp * 5 || Stopwatch.GetElapsedTime(started) < WarmUp; i++)
            {
                var answer = await contender.Run();
                if (answer != (expected ??= answer)) throw new InvalidOperationException($"{contender.Name} came to {answer}, the others to {expected}.");
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
            return new Result(contender.Name, Median(times[index]), Median(ratios), ratios[rounds / 4], ratios[rounds * 3 / 4], times[index].Min() / times[0].Min(), allocated[index], times[index]);
        })];
    }

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }

    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
