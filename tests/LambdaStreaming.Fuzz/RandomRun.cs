using System.Diagnostics;
using System.Globalization;

namespace LambdaStreaming.Fuzz;

/// <summary>All targets in one process, without coverage: fast, and the same for the same seed but for where the time ends it.</summary>
internal static class RandomRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static int Run(TimeSpan duration, int seed, Func<string, bool> wanted)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}"));
        var targets = Target.All.Where(target => wanted(target.Name)).ToList();
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
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{target.Name,-16} {runs,12} executions from {seeds.Count} seeds, {runs / started.Elapsed.TotalSeconds:0} a second"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{all} executions, no finding"));
        return 0;
    }

    /// <summary>Feeds one input and says loudly what it found.</summary>
    public static bool Try(Target target, byte[] input, int seed, long execution)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            target.RunChecked(input);
            if (Stopwatch.GetElapsedTime(started) > Patience) throw new FindingException($"It took {Stopwatch.GetElapsedTime(started)}.");
            return true;
        }
        catch (Exception exception)
        {
            var file = Path.Combine(Path.GetTempPath(), $"finding-{target.Name}-{Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(input))[..12]}");
            File.WriteAllBytes(file, input);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"FINDING in {target.Name}, seed {seed}, execution {execution}: {exception}"));
            Console.Error.WriteLine($"input ({input.Length} bytes): {Convert.ToHexString(input)}");
            Console.Error.WriteLine($"again: LambdaStreaming.Fuzz replay {target.Name} {file}");
            return false;
        }
    }
}
