using System.Diagnostics;
using Amazon;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Soak;

/// <summary>The local server in another process, so that measurements of this process cover only the client.</summary>
internal sealed class ServerProcess : IDisposable
{
    public const string Command = "serve";

    /// <summary>The number of 64-byte chunks that the function <c>many</c> writes, each in a separate write.</summary>
    public const int ManyChunks = 20_000;

    private readonly Process _process;

    private ServerProcess(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    public static async Task<ServerProcess> StartAsync()
    {
        var process = StartSelf(Command);
        var url = await process.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException("The server did not start.");
        return new ServerProcess(process, new Uri(url));
    }

    /// <summary>Starts this program a second time, with pipes for its input and output.</summary>
    public static Process StartSelf(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(ServerProcess).Assembly.Location);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    /// <summary>Serves until standard input ends.</summary>
    /// <remarks>Runs in the other process. Its input ends with the parent process, so it does not outlive it.</remarks>
    public static async Task<int> ServeAsync()
    {
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            options.AddFunction("words", WriteChunks(64, 20));
            options.AddFunction("many", WriteChunks(64, ManyChunks));
            options.AddFunction("fails", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("half", cancellationToken);
                response.Fail("Unhandled", "planned");
            });
            options.AddFunction("idle", async (_, response, cancellationToken) =>
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
            options.AddFunction("flood", WriteChunks(4096, int.MaxValue));
            MixedCalls.AddFunctions(options);
            options.AddFunction("rejected").RespondWithError("ResourceConflictException");
            options.AddFunction("truncated").RespondWithRaw(new RawResponse
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

    private static FunctionHandler WriteChunks(int size, int count) => async (_, response, cancellationToken) =>
    {
        var chunk = new byte[size];
        for (var i = 0; i < count; i++) await response.WriteAsync(chunk, cancellationToken);
    };
}
