using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Soak;

/// <summary>Measures the memory of a web server that forwards many responses at the same time.</summary>
/// <remarks>
/// The browsers read everything or, in a second run, nothing. Functions and browsers run in other processes.
/// </remarks>
internal static class PassThrough
{
    public const string BrowseCommand = "browse";

    private static readonly TimeSpan SampleInterval = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(int streams, CancellationToken cancellationToken)
    {
        using var functions = await ServerProcess.StartAsync();
        await using var app = await StartWebAppAsync(functions);
        var server = app.Services.GetRequiredService<IServer>();
        var url = new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.Single());

        var idle = await MeasureAsync(url, "steady", 1, reads: true, cancellationToken);
        Print(
            $"1 stream: {ToMiB(idle.Last.Heap):0.0} MiB of heap, ",
            $"{ToMiB(idle.Last.WorkingSet):0} MiB of working set.");
        var reading = await MeasureAsync(url, "steady", streams, reads: true, cancellationToken);
        Report("that read", reading);
        var stalled = await MeasureAsync(url, "flood", streams, reads: false, cancellationToken);
        Report("that do not read a flood", stalled);

        // The heap counts as stable if its growth in the second half is small compared with the memory of the streams.
        var isStable = new[] { reading, stalled }.All(phase => phase.Last.Heap - phase.Middle.Heap < (8 << 20));
        Console.WriteLine(isStable ? "stable" : "NOT stable: the heap grew by more than 8 MiB in the second half.");
        return isStable ? 0 : 1;

        void Report(string browsers, Phase phase) => Print(
            $"{streams} browsers {browsers}: heap {ToMiB(phase.First.Heap):0.0}, {ToMiB(phase.Middle.Heap):0.0}, ",
            $"{ToMiB(phase.Last.Heap):0.0} MiB at the beginning, middle and end; ",
            $"{(phase.Last.Heap - idle.Last.Heap) / 1024.0 / streams:0.0} KiB each; ",
            $"working set {ToMiB(phase.Last.WorkingSet):0} MiB; {ToMiB(phase.Bytes):0.0} MiB received.");
    }

    /// <summary>Runs the browsers until standard input ends, then prints the number of bytes received.</summary>
    /// <param name="url">The URL to request.</param>
    /// <param name="streams">The number of browsers.</param>
    /// <param name="reads">Whether the browsers read the responses or only their headers.</param>
    public static async Task<int> BrowseAsync(Uri url, int streams, bool reads)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            MaxResponseDrainSize = 0,
            ConnectCallback = ConnectAsync,
        });
        http.Timeout = Timeout.InfiniteTimeSpan;
        using var stopping = new CancellationTokenSource();
        long bytes = 0;
        var open = new List<(HttpResponseMessage Response, Task Reading)>();
        for (var i = 0; i < streams; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            open.Add((response, reads ? ReadAsync(response) : Task.CompletedTask));
        }

        Console.WriteLine("open");
        await Console.In.ReadToEndAsync();
        await stopping.CancelAsync();
        foreach (var (response, reading) in open)
        {
            await reading;
            response.Dispose();
        }

        Console.WriteLine(bytes.ToString(CultureInfo.InvariantCulture));
        return 0;

        // With the default buffer size, the system would use megabytes for each browser that does not read.
        static async ValueTask<Stream> ConnectAsync(
            SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
            {
                NoDelay = true,
                ReceiveBufferSize = 16 * 1024,
            };
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }

        async Task ReadAsync(HttpResponseMessage response)
        {
            var buffer = new byte[4096];
            try
            {
                await using var body = await response.Content.ReadAsStreamAsync(stopping.Token);
                while (await body.ReadAsync(buffer, stopping.Token) is > 0 and var count)
                    Interlocked.Add(ref bytes, count);
            }
            catch (OperationCanceledException)
            {
                // Expected at the end of the measurement.
            }
        }
    }

    private static async Task<Phase> MeasureAsync(
        Uri url, string function, int streams, bool reads, CancellationToken cancellationToken)
    {
        using var browsers = ServerProcess.StartSelf(
            BrowseCommand,
            new Uri(url, function).ToString(),
            streams.ToString(CultureInfo.InvariantCulture),
            reads ? "reads" : "stalls");
        await browsers.StandardOutput.ReadLineAsync(cancellationToken);

        var samples = new List<ResourceUsage>();
        for (var i = 0; i < 5; i++)
        {
            await Task.Delay(SampleInterval, cancellationToken);
            samples.Add(LeakCheck.Measure());
        }

        browsers.StandardInput.Close();
        var output = await browsers.StandardOutput.ReadLineAsync(cancellationToken) ?? "0";
        await browsers.WaitForExitAsync(cancellationToken);
        return new Phase(samples[0], samples[2], samples[4], long.Parse(output, CultureInfo.InvariantCulture));
    }

    private static async Task<WebApplication> StartWebAppAsync(ServerProcess functions)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrel(options => options.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<ILambdaStreamingClient>(_ => functions.CreateClient());
        var app = builder.Build();
        app.MapLambdaStream("/steady", "steady");
        app.MapLambdaStream("/flood", "flood");
        await app.StartAsync();
        return app;
    }

    private static double ToMiB(long bytes) => bytes / 1048576.0;

    private static void Print(params FormattableString[] parts) =>
        Console.WriteLine(string.Concat(parts.Select(part => part.ToString(CultureInfo.InvariantCulture))));

    private sealed record Phase(ResourceUsage First, ResourceUsage Middle, ResourceUsage Last, long Bytes);
}
