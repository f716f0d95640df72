using System.Diagnostics;
using LambdaStreaming.Soak;

namespace LambdaStreaming.Benchmarks;

/// <summary>Throughput of <c>LocalLambdaServer</c>, which must not slow down the tests that use it.</summary>
internal static class LocalServer
{
    public static async Task RunAsync(int rounds)
    {
        using var server = await ServerProcess.StartAsync();
        using var client = server.CreateClient();
        var perSecond = new List<double>();
        for (var round = 0; round < rounds + 3; round++)
        {
            var started = Stopwatch.GetTimestamp();
            var chunks = 0;
            await using var response = await client.InvokeWithResponseStreamAsync(
                new InvokeWithResponseStreamRequest("many"));
            await foreach (var _ in response.ReadChunksAsync()) chunks++;
            if (round >= 3) perSecond.Add(chunks / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        perSecond.Sort();
        var (low, high) = (perSecond[perSecond.Count / 4], perSecond[perSecond.Count * 3 / 4]);
        Console.WriteLine(Rounds.Text(
            $"LocalLambdaServer in another process, chunks of 64 B, one write and flush each: ",
            $"{Rounds.Median(perSecond):0} events/s (quartiles {low:0} and {high:0})."));
    }
}
