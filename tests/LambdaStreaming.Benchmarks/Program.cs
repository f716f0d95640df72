using System.Globalization;
using System.Runtime.InteropServices;
using LambdaStreaming.Benchmarks;
using LambdaStreaming.Soak;

// Compares implementations in one run and prints ratios with their spread.
const string Usage =
    "usage: LambdaStreaming.Benchmarks [decode [--compare] | readers | loopback | server | streams\n"
    + "                                   | telemetry | http | forward | sdks]\n"
    + "Runs all of them except sdks without an argument. sdks requires boto3, Node.js and eng/install-interop.sh.";
const int RoundCount = 15;

// A round of decode or readers takes 1 or 2 ms. More rounds reduce the effect of other load on the machine.
const int ShortRoundCount = 3 * RoundCount;
const int CompareRoundCount = 25;
const int SdkRoundCount = 5;
const int IdleStreams = 1000;

switch (args)
{
    case [WireServer.Command]: return await WireServer.ServeAsync();
    case [ServerProcess.Command]: return await ServerProcess.ServeAsync();
    case [Forward.Command, var url]: return await Forward.ServeAsync(new Uri(url));
    case [Sdks.Command, var contender, var seconds, var function]:
        return await Sdks.ReadAsync(contender, int.Parse(seconds, CultureInfo.InvariantCulture), function);
    case [] or ["decode"] or ["decode", "--compare"] or ["readers"] or ["loopback"]:
    case ["server"] or ["streams"] or ["telemetry"] or ["http"]:
    case ["forward"] or ["sdks"]:
        break;
    default:
        Console.Error.WriteLine(Usage);
        return 2;
}

var system = $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}";
Console.WriteLine($"{system}, {Environment.ProcessorCount} processors, {DateTime.UtcNow:yyyy-MM-dd}");
Console.WriteLine();
if (args is [] or ["decode"]) await Decode.RunAsync(ShortRoundCount);
if (args is ["decode", "--compare"]) await DecodeComparison.RunAsync(CompareRoundCount);
if (args is [] or ["readers"]) await Readers.RunAsync(ShortRoundCount);
if (args is [] or ["loopback"]) await Loopback.RunAsync(RoundCount);
if (args is [] or ["server"]) await LocalServer.RunAsync(RoundCount);
if (args is [] or ["streams"]) await ManyStreams.RunAsync(IdleStreams, CancellationToken.None);
if (args is [] or ["telemetry"]) await Telemetry.RunAsync(RoundCount);
if (args is [] or ["http"]) await HttpHandler.RunAsync(RoundCount);
if (args is [] or ["forward"]) await Forward.RunAsync(RoundCount);
if (args is ["sdks"]) await Sdks.RunAsync(SdkRoundCount);
return 0;
