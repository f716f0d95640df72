using System.Globalization;
using LambdaStreaming;
using LambdaStreaming.Fuzz;

switch (args)
{
    case ["random", var seconds, .. var rest]:
        var duration = TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture));
        return RandomRun.Run(duration, GetSeed(rest), GetTargets(rest));
    case ["executions", var number, .. var rest]:
        return RandomRun.Run(long.Parse(number, CultureInfo.InvariantCulture), GetSeed(rest), GetTargets(rest));
    case ["afl", var name]:
        var fuzzed = Target.Get(name);
        CliPayloadTarget.IsSingleThreaded = true;
        SharpFuzz.Fuzzer.OutOfProcess.Run(stream =>
        {
            using var input = new MemoryStream();
            stream.CopyTo(input);

            // Reaches instrumented code. For a seed that reaches none, because its target skips it, afl-fuzz would end.
            _ = new InvokeWithResponseStreamRequest("f");
            fuzzed.Run(input.ToArray());
        });
        return 0;
    case ["replay", var name, .. var files] when files.Length > 0:
        // Replays all files, also after a finding.
        var findings = files
            .SelectMany(file => Directory.Exists(file) ? Directory.GetFiles(file) : [file])
            .Where(file => !RandomRun.Try(Target.Get(name), File.ReadAllBytes(file), 0, 0))
            .ToList();
        return findings.Count == 0 ? 0 : 1;
    case ["seeds", var folder]:
        foreach (var target in Target.All)
        {
            var path = Directory.CreateDirectory(Path.Combine(folder, target.Name)).FullName;
            var number = 0;
            foreach (var input in Seeds.Get(target).Where(input => input.Length > 0))
            {
                var file = string.Create(CultureInfo.InvariantCulture, $"{number++:0000}");
                File.WriteAllBytes(Path.Combine(path, file), input);
            }
        }

        var words = Seeds.Dictionary.Select(word => string.Concat(word.Select(ToHex)));
        File.WriteAllLines(Path.Combine(folder, "dictionary"), words.Select(word => $"\"{word}\""));
        return 0;
    case ["targets"]:
        foreach (var target in Target.All) Console.WriteLine(target.Name);
        return 0;
    default:
        Console.Error.WriteLine("""
            usage: LambdaStreaming.Fuzz random SECONDS [SEED [TARGET…]]   mutates seeds in this process and divides the time among the targets
                   LambdaStreaming.Fuzz executions N [SEED [TARGET…]]     the same, until each target has run N times
                   LambdaStreaming.Fuzz afl TARGET                        runs under afl-fuzz, see eng/fuzz-afl.sh
                   LambdaStreaming.Fuzz replay TARGET FILE|FOLDER…        runs the target with files
                   LambdaStreaming.Fuzz seeds FOLDER                      writes the seeds of each target and the dictionary
                   LambdaStreaming.Fuzz targets                           lists the targets
            """);
        return 2;
}

static string ToHex(byte value) => string.Create(CultureInfo.InvariantCulture, $"\\x{value:x2}");

static int GetSeed(string[] rest) => rest is [var text, ..]
    ? int.Parse(text, CultureInfo.InvariantCulture)
    : Environment.TickCount & int.MaxValue;

static IReadOnlyList<Target> GetTargets(string[] rest) =>
    rest.Length > 1 ? [.. rest.Skip(1).Select(Target.Get)] : Target.All;
