using System.Diagnostics;
using System.Globalization;

namespace LambdaStreaming.Soak;

/// <summary>Runs many calls that end in every possible way, and checks that sockets and heap do not grow.</summary>
internal static class LeakCheck
{
    private const int Parallel = 16;

    private static readonly string[] Ends =
    [
        "complete", "break", "throw", "cancel", "cancel-waiting", "dispose-elsewhere", "function-error", "truncated",
        "rejected", "unread",
    ];

    public static async Task<int> RunAsync(int calls, CancellationToken cancellationToken)
    {
        using var server = await ServerProcess.StartAsync();
        using var client = server.CreateClient();
        await RunCallsAsync(client, Math.Min(2000, calls), cancellationToken);   // fills pools and compiles all code
        var before = Measure();
        Console.WriteLine($"{"calls",8} {"heap MiB",9} {"sockets",8} {"threads",8} {"working set MiB",16}");
        Print(0, before);

        var started = Stopwatch.StartNew();
        var after = before;
        for (var step = 1; step <= 5; step++)
        {
            await RunCallsAsync(client, calls / 5, cancellationToken);
            after = Measure();
            Print(calls / 5 * step, after);
        }

        var seconds = started.Elapsed.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
        Console.WriteLine($"{calls} calls in {seconds} s, ended in turn by: {string.Join(", ", Ends)}.");

        // The pool can keep a connection for each concurrent call. A leak would be one connection per failed call.
        var socketsLeak = after.Sockets > Parallel + 2;
        var heapGrows = after.Heap - before.Heap > 2 * 1024 * 1024;
        if (socketsLeak) Console.WriteLine("WRONG: sockets are not closed.");
        if (heapGrows) Console.WriteLine("WRONG: the heap has grown.");
        return socketsLeak || heapGrows ? 1 : 0;
    }

    public static ResourceUsage Measure()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        using var self = Process.GetCurrentProcess();
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        return new ResourceUsage(heap, CountSockets(), self.Threads.Count, self.WorkingSet64);
    }

    private static async Task RunCallsAsync(
        LambdaStreamingClient client, int calls, CancellationToken cancellationToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken };
        await System.Threading.Tasks.Parallel.ForEachAsync(
            Enumerable.Range(0, calls),
            options,
            async (call, _) => await CallAsync(client, Ends[call % Ends.Length]));
    }

    private static async Task CallAsync(LambdaStreamingClient client, string end)
    {
        using var source = new CancellationTokenSource();
        try
        {
            var request = new InvokeWithResponseStreamRequest(GetFunction(end));
            await using var response = await client.InvokeWithResponseStreamAsync(request, source.Token);
            if (end == "unread") return;
            Task? other = null;
            await foreach (var _ in response.ReadChunksAsync())
            {
                switch (end)
                {
                    case "break":
                        return;
                    case "throw":
                        throw new PlannedException();
                    case "cancel":
                        await source.CancelAsync();
                        break;
                    case "cancel-waiting":
                        other ??= Task.Run(source.Cancel);
                        break;
                    case "dispose-elsewhere":
                        other ??= Task.Run(response.Dispose);
                        break;
                    default:
                        break;
                }
            }

            if (end != "complete") throw new InvalidOperationException($"The call did not end by {end}.");
        }
        catch (Exception exception) when (IsPlanned(end, exception))
        {
            // Expected.
        }
    }

    private static string GetFunction(string end) => end switch
    {
        "cancel-waiting" or "dispose-elsewhere" => "idle",
        "function-error" => "fails",
        "truncated" => "truncated",
        "rejected" => "rejected",
        _ => "words",
    };

    private static bool IsPlanned(string end, Exception exception) => end switch
    {
        "throw" => exception is PlannedException,
        "cancel" or "cancel-waiting" => exception is OperationCanceledException,
        "dispose-elsewhere" => exception is ObjectDisposedException,
        "function-error" => exception is FunctionErrorException,
        "truncated" => exception is ResponseStreamTruncatedException,
        "rejected" => exception is LambdaServiceException,
        _ => false,
    };

    private static int CountSockets() =>
        OperatingSystem.IsLinux() ? Directory.GetFiles("/proc/self/fd").Count(IsSocket) : 0;

    private static bool IsSocket(string descriptor)
    {
        try
        {
            var target = File.ResolveLinkTarget(descriptor, returnFinalTarget: false);
            return target?.Name.StartsWith("socket:", StringComparison.Ordinal) == true;
        }
        catch (IOException)
        {
            return false;   // closed concurrently
        }
    }

    private static void Print(int calls, ResourceUsage usage)
    {
        var (heap, workingSet) = (usage.Heap / 1048576.0, usage.WorkingSet / 1048576.0);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{calls,8} {heap,9:0.00} {usage.Sockets,8} {usage.Threads,8} {workingSet,16:0.0}"));
    }

    private sealed class PlannedException : Exception;
}

/// <summary>The resources that this process uses.</summary>
internal sealed record ResourceUsage(long Heap, int Sockets, int Threads, long WorkingSet);
