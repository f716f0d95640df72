using System.Runtime.InteropServices;
using LambdaStreaming.Benchmarks;
using LambdaStreaming.Soak;

// Compares contenders in one run, as ratios with their spread.
const string Usage = "usage: LambdaStreaming.Benchmarks [decode | readers | loopback | server | streams | telemetry | http]    all of them without an argument";
const int RoundCount = 15;
// A round of these takes a millisecond or two: it takes more of them to see through a busy machine.
const int ShortRoundCount = 3 * RoundCount;
const int IdleStreams = 1000;

switch (args)
{
    case [WireServer.Command]: return await WireServer.ServeAsync();
    case [ServerProcess.Command]: return await ServerProcess.ServeAsync();
    case [] or ["decode"] or ["readers"] or ["loopback"] or ["server"] or ["streams"] or ["telemetry"] or ["http"]: break;
    default:
        Console.Error.WriteLine(Usage);
        return 2;
}

Console.WriteLine($"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors, {DateTime.UtcNow:yyyy-MM-dd}");
Console.WriteLine();
if (args is [] or ["decode"]) await Decode.RunAsync(ShortRoundCount);
if (args is [] or ["readers"]) await Readers.RunAsync(ShortRoundCount);
if (args is [] or ["loopback"]) await Loopback.RunAsync(RoundCount);
if (args is [] or ["server"]) await LocalServer.RunAsync(RoundCount);
if (args is [] or ["streams"]) await ManyStreams.RunAsync(IdleStreams, CancellationToken.None);
if (args is [] or ["telemetry"]) await Telemetry.RunAsync(RoundCount);
if (args is [] or ["http"]) await HttpHandler.RunAsync(RoundCount);
return 0;
