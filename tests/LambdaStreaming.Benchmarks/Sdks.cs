using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Amazon;

namespace LambdaStreaming.Benchmarks;

/// <summary>
/// Events per second of this library and of official SDKs, each in its own process, from the same server.
/// </summary>
internal static class Sdks
{
    public const string Command = "read";

    private const int WarmUpSeconds = 5;
    private const int SecondsPerRound = 4;
    private const string UrlVariable = "AWS_ENDPOINT_URL_LAMBDA";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private static readonly (string Name, string[] Command)[] Contenders =
    [
        ("this library", [Environment.ProcessPath!, Command, "client"]),
        ("reading without decoding", [Environment.ProcessPath!, Command, "discard"]),
        ("AWSSDK.Core's decoder", [Environment.ProcessPath!, Command, "awssdk-core"]),
        ("boto3", ["python3", "tests/interop/speed.py"]),
        ("AWS SDK for JavaScript", ["node", "tests/interop/speed.mjs"]),
    ];

    /// <param name="rounds">The number of times that each contender reads for a few seconds.</param>
    public static async Task RunAsync(int rounds)
    {
        using var server = await WireServer.StartAsync();
        Console.WriteLine(
            "Complete responses over loopback, each contender in its own process after a warm-up: events per "
            + $"second, median and quartiles of {rounds} shuffled rounds of {SecondsPerRound} s.");
        Console.WriteLine();
        Console.WriteLine("| chunk size | contender | events/s | this library ÷ contender | CPU per event |");
        Console.WriteLine("| --- | --- | --- | --- | --- |");
        foreach (var (size, count) in ((int, int)[])[(64, 50_000), (65536, 500)])
            await CompareAsync(server, $"{size}-{count}", size, rounds);
    }

    /// <summary>Reads responses for some seconds, and prints what was read as JSON. Runs in another process.</summary>
    /// <param name="contender"><c>client</c>, <c>discard</c> or <c>awssdk-core</c>.</param>
    /// <param name="seconds">The duration of the measurement.</param>
    /// <param name="function">The function of <see cref="WireServer"/>.</param>
    public static async Task<int> ReadAsync(string contender, int seconds, string function)
    {
        var url = new Uri(Environment.GetEnvironmentVariable(UrlVariable)!);
        using var http = new HttpClient { BaseAddress = url };
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions
        {
            ServiceUrl = url,
            Region = RegionEndpoint.USEast1,
            Credentials = Calls.Credentials,
        });
        Func<Task<long>> read = contender switch
        {
            "client" => () => Loopback.ClientAsync(client, function),
            "discard" => () => DiscardAsync(http, function),
            _ => () => Loopback.PeerAsync(http, function),
        };
        await ReadForAsync(WarmUpSeconds, read);
        Console.WriteLine(JsonSerializer.Serialize(await ReadForAsync(seconds, read), Json));
        return 0;
    }

    private static async Task<Reading> ReadForAsync(int seconds, Func<Task<long>> read)
    {
        using var self = Process.GetCurrentProcess();
        var cpuBefore = self.TotalProcessorTime;
        var started = Stopwatch.GetTimestamp();
        var events = 0L;
        while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds) events += await read();
        self.Refresh();
        var cpu = self.TotalProcessorTime - cpuBefore;
        return new Reading(events, Stopwatch.GetElapsedTime(started).TotalSeconds, cpu.TotalSeconds);
    }

    /// <returns>The number of events, which is part of the function's name.</returns>
    private static async Task<long> DiscardAsync(HttpClient http, string function)
    {
        await Loopback.DiscardAsync(http, function);
        return long.Parse(function.Split('-')[1], CultureInfo.InvariantCulture);
    }

    private static async Task CompareAsync(WireServer server, string function, int size, int rounds)
    {
        var readings = Contenders.Select(_ => new List<Reading>()).ToArray();
        var order = Enumerable.Range(0, Contenders.Length).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            Random.Shared.Shuffle(order);
            foreach (var index in order)
                readings[index].Add(await RunAsync(Contenders[index].Command, server.Url, function));
        }

        for (var index = 0; index < Contenders.Length; index++)
        {
            var speeds = readings[index].Select(reading => reading.Events / reading.Seconds).ToList();
            var ratios = readings[0].Zip(speeds, (first, speed) => first.Events / first.Seconds / speed);
            var events = readings[index].Sum(reading => reading.Events);
            var cpu = readings[index].Sum(reading => reading.CpuSeconds) / events;
            Console.WriteLine(Rounds.Text(
                $"| {size} B | {Contenders[index].Name} | {Rounds.Median(speeds):N0} | {Rounds.Spread(ratios)} ",
                $"| {cpu * 1e6:0.00} µs |"));
        }
    }

    private static async Task<Reading> RunAsync(string[] command, Uri url, string function)
    {
        var start = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var argument in command.AsSpan(1)) start.ArgumentList.Add(argument);
        start.ArgumentList.Add(SecondsPerRound.ToString(CultureInfo.InvariantCulture));
        start.ArgumentList.Add(function);
        var credentials = await Calls.Credentials.GetCredentialsAsync();
        start.Environment[UrlVariable] = url.ToString();
        start.Environment["AWS_ACCESS_KEY_ID"] = credentials.AccessKey;
        start.Environment["AWS_SECRET_ACCESS_KEY"] = credentials.SecretKey;
        start.Environment["AWS_REGION"] = start.Environment["AWS_DEFAULT_REGION"] = "us-east-1";
        start.Environment["NO_PROXY"] = start.Environment["no_proxy"] = url.Host;
        using var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync();
        await process.WaitForExitAsync();
        return line is null
            ? throw new InvalidOperationException($"{command[0]} failed. Run eng/install-interop.sh first.")
            : JsonSerializer.Deserialize<Reading>(line, Json)!;
    }

    private sealed record Reading(long Events, double Seconds, double CpuSeconds);
}
