using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace LambdaStreaming.Fuzz;

/// <summary>Fast runs of targets in one process, without coverage.</summary>
/// <remarks>The inputs are the same for the same seed; the duration or the number of executions limits them.</remarks>
internal static class RandomRun
{
    private static readonly TimeSpan MaxRunTime = TimeSpan.FromSeconds(10);

    /// <summary>Runs targets for a duration, which is divided among them.</summary>
    public static int Run(TimeSpan duration, int seed, IReadOnlyList<Target> targets) =>
        Run(seed, targets, (_, elapsed) => elapsed >= duration / targets.Count);

    /// <summary>Runs each target a number of times.</summary>
    public static int Run(long executions, int seed, IReadOnlyList<Target> targets) =>
        Run(seed, targets, (runs, _) => runs >= executions);

    // A finding ends the run of its target.
    private static int Run(int seed, IReadOnlyList<Target> targets, Func<long, TimeSpan, bool> isEnd)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        long all = 0;
        var findings = 0;
        foreach (var target in targets)
        {
            var started = Stopwatch.StartNew();
            var seeds = Seeds.Get(target);
            var mutator = new Mutator(seeds, seed);
            long runs = 0;
            var hasFinding = false;
            while (!hasFinding && (runs < seeds.Count || !isEnd(runs, started.Elapsed)))
            {
                var input = runs < seeds.Count ? seeds[(int)runs] : mutator.Next();
                hasFinding = !Try(target, input, seed, runs++);
            }

            all += runs;
            if (hasFinding) findings++;
            var seconds = started.Elapsed.TotalSeconds;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{target.Name,-16} {runs,12} executions from {seeds.Count} seeds in {seconds:0.0} s, "
                + $"{runs / seconds:0} per second, {(hasFinding ? "1 finding" : "no findings")}"));
        }

        var total = findings == 0 ? "no findings" : $"findings in {findings} targets";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{all} executions, {total}"));
        return findings == 0 ? 0 : 1;
    }

    /// <summary>Runs a target with one input. Writes a finding to standard error and returns false.</summary>
    public static bool Try(Target target, byte[] input, int seed, long execution)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            target.RunChecked(input);
            var elapsed = Stopwatch.GetElapsedTime(started);
            if (elapsed > MaxRunTime) throw new FindingException($"The run took {elapsed.TotalSeconds:0.0} s.");
            return true;
        }
        catch (Exception exception)
        {
            var hash = Convert.ToHexString(SHA256.HashData(input))[..12];
            var file = Path.Combine(Path.GetTempPath(), $"finding-{target.Name}-{hash}");
            File.WriteAllBytes(file, input);
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"FINDING in {target.Name}, seed {seed}, execution {execution}: {exception}"));
            Console.Error.WriteLine($"Input ({input.Length} bytes): {Convert.ToHexString(input)}");
            Console.Error.WriteLine($"To repeat: LambdaStreaming.Fuzz replay {target.Name} {file}");
            return false;
        }
    }
}
