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

/// <summary>Many answers passed on by one web server at once: what they cost it, with browsers that read and with browsers that do not. Functions and browsers are processes of their own.</summary>
internal static class PassThrough
{
    public const string BrowseCommand = "browse";

    private static readonly TimeSpan BetweenSamples = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(int streams, CancellationToken cancellationToken)
    {
        using var functions = await ServerProcess.StartAsync();
        await using var app = await StartWebAppAsync(functions);
        var url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

        var idle = await GrowthAsync(url, "steady", 1, reads: true, cancellationToken);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"1 stream: {idle.Last.Heap / 1048576.0:0.0} MiB of heap, {idle.Last.WorkingSet / 1048576.0:0} MiB of working set."));
        var reading = await GrowthAsync(url, "steady", streams, reads: true, cancellationToken);
        Report("that read", reading);
        var stalled = await GrowthAsync(url, "flood", streams, reads: false, cancellationToken);
        Report("that read nothing of a flood", stalled);

        // Flat: what the second half of the time added is noise beside what the streams hold at all.
        var isFlat = new[] { reading, stalled }.All(phase => phase.Last.Heap - phase.Middle.Heap < (8 << 20));
        Console.WriteLine(isFlat ? "flat" : "NOT flat: the heap grew by more than 8 MiB in the second half.");
        return isFlat ? 0 : 1;

        void Report(string browsers, (Held First, Held Middle, Held Last, long Bytes) phase) => Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{streams} browsers {browsers}: heap {phase.First.Heap / 1048576.0:0.0}, {phase.Middle.Heap / 1048576.0:0.0}, {phase.Last.Heap / 1048576.0:0.0} MiB at the beginning, middle and end; {(phase.Last.Heap - idle.Last.Heap) / 1024.0 / streams:0.0} KiB each; working set {phase.Last.WorkingSet / 1048576.0:0} MiB; {phase.Bytes / 1048576.0:0.0} MiB arrived."));
    }

    /// <summary>What the browsers' process runs, until its input ends: requests that read all that comes, or nothing but its first byte. Then it says how much came.</summary>
    public static async Task<int> BrowseAsync(Uri url, int streams, bool reads)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, MaxResponseDrainSize = 0, ConnectCallback = ConnectAsync }) { Timeout = Timeout.InfiniteTimeSpan };
        using var leaving = new CancellationTokenSource();
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
        await leaving.CancelAsync();
        foreach (var (response, reading) in open)
        {
            await reading;
            response.Dispose();
        }

        Console.WriteLine(bytes.ToString(CultureInfo.InvariantCulture));
        return 0;

        // The system would take megabytes for each browser that does not read.
        static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = 16 * 1024 };
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }

        async Task ReadAsync(HttpResponseMessage response)
        {
            var buffer = new byte[4096];
            try
            {
                await using var body = await response.Content.ReadAsStreamAsync(leaving.Token);
                while (await body.ReadAsync(buffer, leaving.Token) is > 0 and var count) Interlocked.Add(ref bytes, count);
            }
            catch (OperationCanceledException)
            {
                // Left.
            }
        }
    }

    private static async Task<(Held First, Held Middle, Held Last, long Bytes)> GrowthAsync(Uri url, string function, int streams, bool reads, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(PassThrough).Assembly.Location);
        foreach (var argument in (string[])[BrowseCommand, new Uri(url, function).ToString(), streams.ToString(CultureInfo.InvariantCulture), reads ? "reads" : "stalls"]) start.ArgumentList.Add(argument);
        using var browsers = Process.Start(start)!;
        await browsers.StandardOutput.ReadLineAsync(cancellationToken);

        var samples = new List<Held>();
        for (var i = 0; i < 5; i++)
        {
            await Task.Delay(BetweenSamples, cancellationToken);
            samples.Add(NothingHeld.Measure());
        }

        browsers.StandardInput.Close();
        var bytes = long.Parse(await browsers.StandardOutput.ReadLineAsync(cancellationToken) ?? "0", CultureInfo.InvariantCulture);
        await browsers.WaitForExitAsync(cancellationToken);
        return (samples[0], samples[2], samples[4], bytes);
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
}
