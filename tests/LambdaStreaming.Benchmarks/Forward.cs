using System.Diagnostics;
using System.Net;
using Amazon;
using LambdaStreaming.Soak;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Benchmarks;

/// <summary>
/// <c>MapLambdaStream</c> compared with endpoints that copy from an <see cref="HttpClient"/>: the payload, which they
/// receive without an event stream, or the event stream without decoding it.
/// </summary>
/// <remarks>The web server and the server of the functions run in other processes.</remarks>
internal static class Forward
{
    public const string Command = "serve-web";

    private const string Library = "library";
    private const string CopyPayload = "copy-payload";
    private const string CopyStream = "copy-stream";
    private const int RunsPerRound = 5;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(6);
    private static readonly (int Size, int Count)[] Responses = [(64, 50_000), (65536, 500)];

    public static async Task RunAsync(int rounds)
    {
        using var functions = await WireServer.StartAsync();
        using var web = ServerProcess.StartSelf(Command, functions.Url.ToString());
        var line = await web.StandardOutput.ReadLineAsync();
        using var http = new HttpClient { BaseAddress = new Uri(line!) };
        Console.WriteLine(
            "Forwarding responses, each chunk of the function in its own HTTP chunk: MapLambdaStream compared with "
            + "endpoints that copy the event stream without decoding it, or the payload, which they receive without an "
            + "event stream. They flush after each read. MB of payload and CPU of the web server; median and quartiles "
            + $"of {rounds} shuffled rounds.");
        Console.WriteLine();
        Console.WriteLine(
            "| chunk size | MapLambdaStream, MB/s | CPU, ms/MB | ÷ copying the stream: speed | CPU "
            + "| ÷ copying the payload: speed | CPU |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        foreach (var (size, count) in Responses) await CompareAsync(http, web, size, (long)size * count, rounds);
        Console.WriteLine();
        web.StandardInput.Close();
        await web.WaitForExitAsync();
    }

    /// <summary>Serves both endpoints until standard input ends. Runs in another process.</summary>
    public static async Task<int> ServeAsync(Uri functions)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrel(options => options.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<ILambdaStreamingClient>(_ => new LambdaStreamingClient(
            new LambdaStreamingClientOptions
            {
                ServiceUrl = functions,
                Region = RegionEndpoint.USEast1,
                Credentials = Calls.Credentials,
            }));
        await using var app = builder.Build();
        using var http = new HttpClient { BaseAddress = functions };
        foreach (var (size, count) in Responses)
        {
            var response = $"{size}-{count}";
            app.MapLambdaStream($"/{Library}/{size}", WireServer.EachPrefix + response);
            app.MapPost(
                $"/{CopyStream}/{size}", context => CopyAsync(http, WireServer.EachPrefix + response, context));
            app.MapPost(
                $"/{CopyPayload}/{size}", context => CopyAsync(http, WireServer.PlainPrefix + response, context));
        }

        await app.StartAsync();
        var server = app.Services.GetRequiredService<IServer>();
        Console.WriteLine(server.Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        await Console.In.ReadToEndAsync();
        return 0;
    }

    private static async Task CopyAsync(HttpClient http, string function, HttpContext context)
    {
        using var response = await Loopback.PostAsync(http, function);
        await using var stream = await response.Content.ReadAsStreamAsync(context.RequestAborted);
        var buffer = new byte[64 * 1024];
        while (await stream.ReadAsync(buffer, context.RequestAborted) is > 0 and var count)
        {
            await context.Response.Body.WriteAsync(buffer.AsMemory(0, count), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private static async Task CompareAsync(HttpClient http, Process web, int size, long bytes, int rounds)
    {
        string[] endpoints = [Library, CopyStream, CopyPayload];
        foreach (var endpoint in endpoints)
        {
            var started = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(started) < WarmUp)
            {
                var read = await ReadAsync(http, $"{endpoint}/{size}");
                if (endpoint != CopyStream && read != bytes) throw new InvalidOperationException($"{endpoint}: {read}");
            }
        }

        var seconds = endpoints.Select(_ => new double[rounds]).ToArray();
        var cpu = new double[endpoints.Length];
        int[] order = [0, 1, 2];
        for (var round = 0; round < rounds; round++)
        {
            Random.Shared.Shuffle(order);
            foreach (var index in order)
            {
                web.Refresh();
                var cpuBefore = web.TotalProcessorTime;
                var started = Stopwatch.GetTimestamp();
                for (var i = 0; i < RunsPerRound; i++) await ReadAsync(http, $"{endpoints[index]}/{size}");
                seconds[index][round] = Stopwatch.GetElapsedTime(started).TotalSeconds;
                web.Refresh();
                cpu[index] += (web.TotalProcessorTime - cpuBefore).TotalMilliseconds;
            }
        }

        var megabytes = bytes / 1e6 * RunsPerRound;
        Console.WriteLine(Rounds.Text(
            $"| {size} B | {megabytes / Rounds.Median(seconds[0]):0} | {cpu[0] / megabytes / rounds:0.00} ",
            $"| {CompareWith(1)} | {CompareWith(2)} |"));

        string CompareWith(int other) => Rounds.Text(
            $"{Rounds.Spread(seconds[other].Zip(seconds[0], (others, own) => others / own))} ",
            $"| {cpu[0] / cpu[other]:0.00}");
    }

    /// <returns>The number of bytes.</returns>
    private static async Task<long> ReadAsync(HttpClient http, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return await Loopback.DiscardAsync(response);
    }
}
