using LambdaStreaming.Tool;
using LambdaStreaming.Tool.Tests;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The commands of <c>lambda-stream</c> that pages show are run by a shell, against the local server.</summary>
public sealed class CommandLinePageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static IEnumerable<TheoryDataRow<string>> Commands =>
        Page.All.SelectMany(page => page.Commands).Where(command => command.Contains("lambda-stream ", StringComparison.Ordinal)).Distinct(StringComparer.Ordinal).Select(command => new TheoryDataRow<string>(command));

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Commands))]
    public async Task Command_TypedAsShown_EndsWell(string command)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a Unix shell.");
        if (command.Contains("=node:", StringComparison.Ordinal)) Interop.NeedsNodeRuntime();
        _folder.Write("question.json", "{}");
        _folder.Write("chat.mjs", "export const handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('hi'); stream.end(); });");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_folder.Write("bootstrap", "#!/bin/sh\n"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        _folder.Write("tale.jsonl", "{}\n{\"afterMilliseconds\":1,\"text\":\"recorded\"}\n{\"afterMilliseconds\":2,\"complete\":{}}\n");

        // jq may not be there, and what it makes of its input is not the matter; shells other than bash neither.
        var script = "set -eo pipefail; PATH=$1:$PATH; cd \"$2\"\njq() { case $1 in -n) echo '{\"a\":1}';; *) cat;; esac; }\n";
        if (command.StartsWith("lambda-stream serve", StringComparison.Ordinal))
        {
            // At another port, until its functions are listening; then Ctrl-C, also where the tests run in the background of a shell, which has their children ignore it.
            var ric = Path.Combine(Interop.Folder, "node_modules", "aws-lambda-ric");
            script += "set -m\ndefault=; ! env --default-signal=INT true 2>/dev/null || default='env --default-signal=INT'\n$default " + command + (command.Contains("node:", StringComparison.Ordinal) ? $" --ric '{ric}'" : "") + """
                 --port 0 >environment 2>log &
                for _ in $(seq 600); do grep -q serving log && break; sleep 0.1; done
                cat environment; kill -INT $!
                for _ in $(seq 300); do kill -0 $! 2>/dev/null || break; sleep 0.1; done
                kill -KILL $! 2>/dev/null || true; wait $!
                """;
        }
        else if (command.Contains("completion ", StringComparison.Ordinal) && !command.Contains("completion bash", StringComparison.Ordinal))
        {
            script += "lambda-stream completion " + command.Split("completion ")[1].Split([' ', ')'])[0];
        }
        else
        {
            script += command.Replace("--local", $"--local --endpoint-url {LocalAws.Server.ServiceUrl} --region {LocalAws.Server.Region.SystemName}", StringComparison.Ordinal) + "\ntouch done";
        }

        var output = await Interop.RunAsync(LocalAws.Server, "bash", "-c", script, "bash", Path.GetDirectoryName(ToolProcess.Path)!, _folder.File(""));

        if (command.StartsWith("lambda-stream serve", StringComparison.Ordinal)) Assert.Contains("export AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:", output, StringComparison.Ordinal);
        else if (command.Contains("completion ", StringComparison.Ordinal)) Assert.True(output.Length > 100 || _folder.Files().Contains("done"));
        else if (command.Contains("--output", StringComparison.Ordinal)) Assert.Equal("Hello, world", await File.ReadAllTextAsync(_folder.File("report.pdf"), TestContext.Current.CancellationToken));
        else if (command.Contains("record ", StringComparison.Ordinal)) Assert.Contains("world", await File.ReadAllTextAsync(_folder.File("tale.jsonl"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        else if (!command.Contains("--sse", StringComparison.Ordinal)) Assert.Equal("Hello, world", output);
    }

    [Fact]
    public async Task Page_ExitCodes_AreThoseOfTheProgram()
    {
        var page = new Page("docs/cli.md").Text;
        var help = await Run.OfAsync("invoke", "--help");

        Assert.All(ExitCode.All, row => Assert.Contains($"| {row.Code} | {row.Meaning} |", page));
        Assert.All(ExitCode.All, row => Assert.Contains(row.Meaning, help.Output));
        Assert.Equal(0, help.ExitCode);
    }
}
