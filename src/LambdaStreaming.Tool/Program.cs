namespace LambdaStreaming.Tool;

internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        var console = ToolConsole.CreateForProcess();
        using var signals = new ShutdownSignals(console);
        var exitCode = await LambdaStreamCommand.RunAsync(args, console, signals.Token);
        return exitCode == ExitCode.Interrupted && signals.IsTerminated ? ExitCode.Terminated : exitCode;
    }
}
