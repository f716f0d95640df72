using System.Diagnostics;
using LambdaStreaming.Soak;

namespace LambdaStreaming.Benchmarks;

/// <summary>What <c>LocalLambdaServer</c> itself can serve: it is for tests, but must not be what a test waits for.</summary>
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
            await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("many"));
            await foreach (var _ in response.ReadChunksAsync()) chunks++;
            if (round >= 3) perSecond.Add(chunks / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        perSecond.Sort();
        Console.WriteLine(Rounds.Text($"LocalLambdaServer in a process of its own, chunks of 64 B, a write and a flush each: {Rounds.Median(perSecond):0} events/s (quartiles {perSecond[perSecond.Count / 4]:0} and {perSecond[perSecond.Count * 3 / 4]:0})."));
    }
}
