using System.Text;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Tests;

/// <summary>The result of one run of the program inside the process of the test.</summary>
/// <remarks>If an environment variable chooses the program, it runs as a process, except with a terminal.</remarks>
internal sealed record Run(int ExitCode, byte[] Bytes, string Error)
{
    public string Output => Encoding.UTF8.GetString(Bytes);

    public static Task<Run> InvokeAsync(LocalLambdaServer server, params string[] args) =>
        ExecuteAsync(["invoke", "f", .. args, .. EndpointOptions(server)]);

    public static string[] EndpointOptions(LocalLambdaServer server) =>
        ["--local", "--endpoint-url", server.ServiceUrl.ToString()];

    public static Task<Run> ExecuteAsync(params string[] args) => ExecuteAsync(args, Stream.Null);

    public static async Task<Run> ExecuteAsync(
        string[] args,
        Stream input,
        bool errorIsTerminal = false,
        bool useColors = false,
        bool outputIsTerminal = false)
    {
        if (ToolProcess.IsChosen && !errorIsTerminal && !useColors && !outputIsTerminal)
            return await ExecuteProcessAsync(args, input);
        using var output = new MemoryStream();
        using var error = CreateErrorWriter();
        var console = new ToolConsole
        {
            Input = input,
            Output = output,
            OutputIsTerminal = outputIsTerminal,
            Error = error,
            ErrorIsTerminal = errorIsTerminal,
            UseColors = useColors,
        };
        var exitCode = await LambdaStreamCommand.RunAsync(args, console, TestContext.Current.CancellationToken);
        return new Run(exitCode, output.ToArray(), error.ToString());
    }

    /// <summary>Creates a writer for standard error whose line ends are the same on all operating systems.</summary>
    public static StringWriter CreateErrorWriter() => new() { NewLine = "\n" };

    private static async Task<Run> ExecuteProcessAsync(string[] args, Stream input)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var process = ToolProcess.Start(args);
        var writing = WriteAsync();
        using var output = new MemoryStream();
        await process.Output.CopyToAsync(output, cancellationToken);
        var exitCode = await process.WaitForExitCodeAsync();
        await writing;
        return new Run(exitCode, output.ToArray(), await process.Error);

        async Task WriteAsync()
        {
            try
            {
                await input.CopyToAsync(process.Input, cancellationToken);
                process.Input.Close();
            }
            catch (IOException)
            {
                // The program ended without reading its input.
            }
        }
    }
}
