using System.Text;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Tests;

/// <summary>One run of the program inside the test's process.</summary>
internal sealed record Run(int ExitCode, byte[] Bytes, string Error)
{
    public string Output => Encoding.UTF8.GetString(Bytes);

    public static Task<Run> InvokeAsync(LocalLambdaServer server, params string[] args) => OfAsync(["invoke", "f", .. args, .. At(server)]);

    public static string[] At(LocalLambdaServer server) => ["--local", "--endpoint-url", server.ServiceUrl.ToString()];

    public static Task<Run> OfAsync(params string[] args) => OfAsync(args, Stream.Null);

    public static async Task<Run> OfAsync(string[] args, Stream input, bool errorIsTerminal = false, bool colours = false, bool outputIsTerminal = false)
    {
        using var output = new MemoryStream();
        using var error = new StringWriter();
        var console = new ToolConsole { Input = input, Output = output, OutputIsTerminal = outputIsTerminal, Error = error, ErrorIsTerminal = errorIsTerminal, Colours = colours };
        var exitCode = await LambdaStreamCommand.RunAsync(args, console, TestContext.Current.CancellationToken);
        return new Run(exitCode, output.ToArray(), error.ToString());
    }
}
