using System.Diagnostics;
using System.Globalization;

namespace LambdaStreaming.Soak;

/// <summary>Many calls that end in every way there is, and what is left of them: sockets, heap.</summary>
internal static class NothingHeld
{
    private const int Parallel = 16;

    private static readonly string[] Ends = ["whole", "break", "throw", "cancel", "cancel-waiting", "dispose-elsewhere", "function-error", "cut", "refused", "unread"];

    public static async Task<int> RunAsync(int calls, CancellationToken cancellationToken)
    {
        using var server = await ServerProcess.StartAsync();
        using var client = server.CreateClient();
        await RunCallsAsync(client, Math.Min(2000, calls), cancellationToken);   // everything is compiled and pooled now
        var before = Measure();
        Console.WriteLine($"{"calls",8} {"heap MiB",9} {"sockets",8} {"threads",8} {"working set MiB",16}");
        Print(0, before);

        var started = Stopwatch.StartNew();
        var after = before;
        for (var step = 1; step <= 5; step++)
        {
            await RunCallsAsync(client, calls / 5, cancellationToken);
            Print(calls / 5 * step, after = Measure());
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{calls} calls in {started.Elapsed.TotalSeconds:0} s, ended in turn by: {string.Join(", ", Ends)}."));

        // The pool may keep a connection for each call that ran at once; a leak would be one for each call that ended badly.
        var held = after.Sockets > Parallel + 2;
        var grown = after.Heap - before.Heap > 2 * 1024 * 1024;
        if (held) Console.WriteLine("WRONG: sockets are held.");
        if (grown) Console.WriteLine("WRONG: the heap has grown.");
        return held || grown ? 1 : 0;
    }

    private static async Task RunCallsAsync(LambdaStreamingClient client, int calls, CancellationToken cancellationToken) =>
        await System.Threading.Tasks.Parallel.ForEachAsync(Enumerable.Range(0, calls), new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken }, async (call, _) =>
            await CallAsync(client, Ends[call % Ends.Length]));

    private static async Task CallAsync(LambdaStreamingClient client, string end)
    {
        using var source = new CancellationTokenSource();
        var function = end switch
        {
            "cancel-waiting" or "dispose-elsewhere" => "silent",
            "function-error" => "fails",
            "cut" => "cut",
            "refused" => "refused",
            _ => "words",
        };
        try
        {
            await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest(function), source.Token);
            if (end == "unread") return;
            Task? other = null;
            await foreach (var _ in response.ReadChunksAsync())
            {
                switch (end)
                {
                    case "break": return;
                    case "throw": throw new PlannedException();
                    case "cancel": await source.CancelAsync(); break;
                    case "cancel-waiting": other ??= Task.Run(source.Cancel); break;
                    case "dispose-elsewhere": other ??= Task.Run(response.Dispose); break;
                    default: break;
                }
            }

            if (end != "whole") throw new InvalidOperationException($"The call that was to end by {end} ended well.");
        }
        catch (Exception exception) when (IsPlanned(end, exception))
        {
            // As it should.
        }
    }

    private static bool IsPlanned(string end, Exception exception) => end switch
    {
        "throw" => exception is PlannedException,
        "cancel" or "cancel-waiting" => exception is OperationCanceledException,
        "dispose-elsewhere" => exception is ObjectDisposedException,
        "function-error" => exception is FunctionErrorException,
        "cut" => exception is ResponseStreamTruncatedException,
        "refused" => exception is LambdaServiceException,
        _ => false,
    };

    public static Held Measure()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        using var self = Process.GetCurrentProcess();
        return new Held(GC.GetTotalMemory(forceFullCollection: true), Sockets(), self.Threads.Count, self.WorkingSet64);
    }

    private static int Sockets() => !OperatingSystem.IsLinux() ? 0 : Directory.GetFiles("/proc/self/fd").Count(file =>
    {
        try
        {
            return File.ResolveLinkTarget(file, returnFinalTarget: false)?.Name.StartsWith("socket:", StringComparison.Ordinal) == true;
        }
        catch (IOException)
        {
            return false;   // closed meanwhile
        }
    });

    private static void Print(int calls, Held held) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{calls,8} {held.Heap / 1048576.0,9:0.00} {held.Sockets,8} {held.Threads,8} {held.WorkingSet / 1048576.0,16:0.0}"));

    private sealed class PlannedException : Exception;
}

/// <summary>What this process holds.</summary>
internal sealed record Held(long Heap, int Sockets, int Threads, long WorkingSet);
