using System.Diagnostics;
using System.Globalization;
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
        return await PassThrough.BrowseAsync(new Uri(url), ParseNumber([count], 1), reading == "reads");
    case ["passthrough", .. var values]:
        return await PassThrough.RunAsync(ParseNumber(values, 500), cancellation.Token);
    case ["faults", .. var values]:
        return await FaultsAsync(ParseNumber(values, 3000));
    case ["calls", .. var values]:
        return await LeakCheck.RunAsync(ParseNumber(values, 100_000), cancellation.Token);
    case ["streams", .. var values]:
        return await ManyStreams.RunAsync(ParseNumber(values, 1000), cancellation.Token);
    case ["mixed", .. var values]:
        return await MixedCalls.RunAsync(TimeSpan.FromSeconds(ParseNumber(values, 1800)), cancellation.Token);
    case ["races", .. var values]:
        var races = ParseNumber([.. values.Take(1)], 1_000_000);
        return await Races.RunAsync(races, [.. values.Skip(1)], cancellation.Token);
    default:
        Console.Error.WriteLine("""
            usage: LambdaStreaming.Soak MODE [NUMBER]

            faults [BYTES]         truncates a response of BYTES (3000) at every byte and flips every bit
            calls [CALLS]          CALLS (100000) calls that end in every possible way; checks sockets and heap
            streams [STREAMS]      STREAMS (1000) concurrent idle streams; prints the memory of each
            passthrough [STREAMS]  STREAMS (500) concurrent responses through a web server; checks its memory
            races [RACES [READER…]]
                                   RACES (1000000) for each reader, or for the given ones: another thread ends the
                                   response in every way
            mixed [SECONDS]        calls with and without faults for SECONDS (1800), a quarter of it warm-up;
                                   checks that memory and handles do not grow
            """);
        return 2;
}

static int ParseNumber(string[] values, int defaultValue) =>
    values is [var text] ? int.Parse(text, CultureInfo.InvariantCulture) : defaultValue;

async Task<int> FaultsAsync(int bytes)
{
    var response = RecordedResponse.Create(bytes);
    await using var matrix = new FaultMatrix(response);
    var cases = matrix.Cases().ToList();
    Console.WriteLine(
        $"A response of {response.Wire.Length} bytes (HTTP headers {response.Headers.Length} bytes, "
        + $"event stream {response.Body.Length} bytes): {cases.Count} calls.");
    foreach (var fault in Enum.GetValues<Fault>())
    {
        var started = Stopwatch.StartNew();
        var faultCases = cases.Where(test => test.Fault == fault).ToList();
        var failures = await matrix.RunAsync(faultCases, cancellation.Token);
        var seconds = started.Elapsed.TotalSeconds;
        Console.WriteLine($"{fault,-9} {faultCases.Count,6} calls, {failures.Count} wrong, {seconds:0} s");
        foreach (var line in failures.Take(20)) Console.WriteLine("  " + line);
        if (failures.Count > 0) return 1;
    }

    return 0;
}
