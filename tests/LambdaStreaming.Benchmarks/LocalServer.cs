using System.Diagnostics;
using LambdaStreaming.Soak;

namespace LambdaStreaming.Benchmarks;

/// <summary>Throughput of <c>LocalLambdaServer</c>, which must not slow down the tests that use it.</summary>
internal static class LocalServer
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4);

    public static async Task RunAsync(int rounds)
    {
        using var server = await ServerProcess.StartAsync();
        using var client = server.CreateClient();
        var begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < WarmUp) await Loopback.ClientAsync(client, "many");
        var perSecond = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            var started = Stopwatch.GetTimestamp();
            var chunks = await Loopback.ClientAsync(client, "many");
            perSecond.Add(chunks / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        perSecond.Sort();
        var (low, high) = (perSecond[rounds / 4], perSecond[rounds * 3 / 4]);
        Console.WriteLine(Rounds.Text(
            $"LocalLambdaServer in another process, chunks of 64 B, one write and flush each: ",
            $"{Rounds.Median(perSecond):0} events/s (quartiles {low:0} and {high:0})."));
    }
}
