using System.Diagnostics;
using Amazon;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Soak;

/// <summary>The local server in a process of its own, so that what is measured here is the client alone.</summary>
internal sealed class ServerProcess : IDisposable
{
    public const string Command = "serve";

    /// <summary>How many chunks of 64 bytes the function <c>many</c> writes, each by a write of its own.</summary>
    public const int ManyChunks = 20_000;

    private readonly Process _process;

    private ServerProcess(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    public static async Task<ServerProcess> StartAsync()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(ServerProcess).Assembly.Location);
        start.ArgumentList.Add(Command);
        var process = Process.Start(start)!;
        var url = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The server did not start.");
        return new ServerProcess(process, new Uri(url));
    }

    /// <summary>What the other process runs: until its input ends, so that it never outlives this one.</summary>
    public static async Task<int> ServeAsync()
    {
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            options.AddFunction("words", async (_, response, cancellationToken) =>
            {
                var word = new byte[64];
                for (var i = 0; i < 20; i++) await response.WriteAsync(word, cancellationToken);
            });
            options.AddFunction("many", async (_, response, cancellationToken) =>
            {
                var chunk = new byte[64];
                for (var i = 0; i < ManyChunks; i++) await response.WriteAsync(chunk, cancellationToken);
            });
            options.AddFunction("fails", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("half", cancellationToken);
                response.Fail("Unhandled", "planned");
            });
            options.AddFunction("silent", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("one", cancellationToken);
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            });
            options.AddFunction("steady", async (_, response, cancellationToken) =>
            {
                var chunk = new byte[1024];
                while (true)
                {
                    await response.WriteAsync(chunk, cancellationToken);
                    await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
                }
            });
            options.AddFunction("flood", async (_, response, cancellationToken) =>
            {
                var chunk = new byte[4096];
                while (true) await response.WriteAsync(chunk, cancellationToken);
            });
            MixedCalls.AddFunctions(options);
            options.AddFunction("refused").RespondWithError("ResourceConflictException");
            options.AddFunction("cut").RespondWithRaw(new RawResponse
            {
                Headers = [new("Content-Type", "application/vnd.amazon.eventstream")],
                BodySegments = [RecordedResponse.Create(1000).Body.AsMemory(0, 700)],
                End = TruncationMode.EndOfBody,
            });
        });
        Console.WriteLine(server.ServiceUrl);
        await Console.In.ReadToEndAsync();
        return 0;
    }

    public LambdaStreamingClient CreateClient(TimeSpan? idleTimeout = null) => new(new LambdaStreamingClientOptions
    {
        ServiceUrl = Url,
        Region = RegionEndpoint.USEast1,
        Credentials = new LocalLambdaServerOptions().Credentials,
        IdleTimeout = idleTimeout ?? TimeSpan.FromMinutes(16),
    });

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
