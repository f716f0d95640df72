using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace LambdaStreaming.Fuzz;

/// <summary>A fast run of targets in one process, without coverage.</summary>
/// <remarks>The inputs are the same for the same seed; the duration limits their number.</remarks>
internal static class RandomRun
{
    private static readonly TimeSpan MaxRunTime = TimeSpan.FromSeconds(10);

    public static int Run(TimeSpan duration, int seed, Func<string, bool> isSelected)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        var targets = Target.All.Where(target => isSelected(target.Name)).ToList();
        long all = 0;
        foreach (var target in targets)
        {
            var started = Stopwatch.StartNew();
            var seeds = Seeds.Get(target);
            long runs = 0;
            foreach (var input in seeds)
            {
                if (!Try(target, input, seed, runs++)) return 1;
            }

            for (var mutator = new Mutator(seeds, seed); started.Elapsed < duration / targets.Count; runs++)
            {
                if (!Try(target, mutator.Next(), seed, runs)) return 1;
            }

            all += runs;
            var perSecond = runs / started.Elapsed.TotalSeconds;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{target.Name,-16} {runs,12} executions from {seeds.Count} seeds, {perSecond:0} per second"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{all} executions, no findings"));
        return 0;
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
