using System.Diagnostics;
using LambdaStreaming.Soak;

using var cancellation = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    key.Cancel = true;
    cancellation.Cancel();
};

switch (args)
{
    case [ServerProcess.Command]:
        return await ServerProcess.ServeAsync();
    case [PassThrough.BrowseCommand, var url, var count, var reading]:
        return await PassThrough.BrowseAsync(new Uri(url), Number([count], 1), reading == "reads");
    case ["passthrough", .. var rest]:
        return await PassThrough.RunAsync(Number(rest, 500), cancellation.Token);
    case ["faults", .. var rest]:
        return await FaultsAsync(Number(rest, 3000));
    case ["calls", .. var rest]:
        return await NothingHeld.RunAsync(Number(rest, 100_000), cancellation.Token);
    case ["streams", .. var rest]:
        return await ManyStreams.RunAsync(Number(rest, 1000), cancellation.Token);
    case ["mixed", .. var rest]:
        return await MixedCalls.RunAsync(TimeSpan.FromSeconds(Number(rest, 1800)), cancellation.Token);
    case ["races", .. var rest]:
        return await Races.RunAsync(Number(rest, 1_000_000), cancellation.Token);
    default:
        Console.Error.WriteLine("""
            usage: LambdaStreaming.Soak faults [BYTES]      every cut and every flipped bit of an answer of BYTES (3000)
                   LambdaStreaming.Soak calls [CALLS]       so many calls (100000) that end in every way there is; what is left of them
                   LambdaStreaming.Soak streams [STREAMS]   so many silent streams (1000) at once; what each costs
                   LambdaStreaming.Soak passthrough [STREAMS]   so many answers (500) at once through a web server; whether its memory stays flat
                   LambdaStreaming.Soak races [RACES]       each reader so often (1000000) against every way of ending its response from another thread
                   LambdaStreaming.Soak mixed [SECONDS]     good calls and faults mixed for so long (1800), a quarter of it warming up; memory and handles must not grow
            """);
        return 2;
}

static int Number(string[] rest, int otherwise) => rest is [var text] ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : otherwise;

async Task<int> FaultsAsync(int bytes)
{
    var answer = RecordedResponse.Create(bytes);
    await using var matrix = new FaultMatrix(answer);
    var cases = matrix.Cases().ToList();
    Console.WriteLine($"An answer of {answer.Wire.Length} bytes ({answer.Head.Length} of them its HTTP head, {answer.Body.Length} its event stream): {cases.Count} calls.");
    foreach (var fault in Enum.GetValues<Fault>())
    {
        var started = Stopwatch.StartNew();
        var some = cases.Where(test => test.Fault == fault).ToList();
        var wrong = await matrix.RunAsync(some, cancellation.Token);
        Console.WriteLine($"{fault,-9} {some.Count,6} calls, {wrong.Count} wrong, {started.Elapsed.TotalSeconds:0} s");
        foreach (var line in wrong.Take(20)) Console.WriteLine("  " + line);
        if (wrong.Count > 0) return 1;
    }

    return 0;
}
