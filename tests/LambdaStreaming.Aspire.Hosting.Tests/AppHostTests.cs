using System.Diagnostics;

namespace LambdaStreaming.Aspire.Hosting.Tests;

/// <summary>samples/AspireHost, started with the command of docs/aspire.md, and its chat page in Chromium.</summary>
/// <remarks>
/// Takes about 30 seconds, and uses the ports of the sample: 5080, and 18888 to 18890 for the dashboard. Skipped unless
/// LAMBDASTREAMING_NIGHTLY is set. eng/nightly runs it.
/// </remarks>
public class AppHostTests
{
    // Only a hang exceeds it: the start includes builds, which take minutes on a busy machine.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sample_IsStartedAndStopped_PageStreamsAndNoProcessOfTheFunctionRemains()
    {
        Nightly.SkipUnlessRequested("Takes 30 seconds.");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finds processes in /proc.");
        var chromium = Browser.RequireChromium();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Limit);
        var project = Path.Combine(Interop.Root, "samples", "AspireHost");
        using var host = Process.Start("dotnet", ["run", "--project", project]);
        try
        {
            using var http = new HttpClient { BaseAddress = new Uri("http://localhost:5080"), Timeout = Limit };
            await WaitForPageAsync(http, host, limit.Token);
            Assert.Empty(FindFunctionProcesses());

            var steps = await Browser.RunAsync("aspire.mjs", [http.BaseAddress.ToString(), chromium]);

            var lengths = steps["complete"].GetProperty("lengths").EnumerateArray().Select(length => length.GetInt32());
            Assert.Distinct(lengths);
            Assert.StartsWith("You wrote: hello there ", steps["complete"].GetProperty("text").GetString());
            Assert.NotEmpty(FindFunctionProcesses());
        }
        finally
        {
            using var kill = Process.Start("kill", ["-TERM", $"{host.Id}"]);
            await host.WaitForExitAsync(limit.Token);
        }

        Assert.Empty(FindFunctionProcesses());
    }

    // The page is there when the function has been built.
    private static async Task WaitForPageAsync(HttpClient http, Process host, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(0.5));
        do
        {
            Assert.False(host.HasExited, "The AppHost did not start. See its output above.");
            try
            {
                using var page = await http.GetAsync("/", cancellationToken);
                if (page.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Finds the processes of the function, and those that supervise it.</summary>
    private static List<string> FindFunctionProcesses()
    {
        var program = Path.Combine(Interop.Root, "artifacts", "bin", "ChatFunction");
        return [.. Directory.EnumerateDirectories("/proc").Select(ReadCommandLine).Where(
            line => line.Contains(program, StringComparison.Ordinal))];
    }

    private static string ReadCommandLine(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline")).Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
    }
}
