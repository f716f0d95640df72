using LambdaStreaming.Tool;
using LambdaStreaming.Tool.Tests;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The <c>lambda-stream</c> commands of all pages, run by a shell against the local server.</summary>
public sealed class CommandLinePageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static IEnumerable<TheoryDataRow<string>> Commands =>
        Page.All.SelectMany(page => page.Commands)
            .Where(command => command.Contains("lambda-stream ", StringComparison.Ordinal))
            .Distinct(StringComparer.Ordinal)
            .Select(command => new TheoryDataRow<string>(command));

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Commands))]
    public async Task Command_RunAsShown_Succeeds(string command)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a Unix shell.");
        if (command.Contains("=node:", StringComparison.Ordinal)) Interop.NeedsNodeRuntime();
        _folder.Write("question.json", "{}");
        _folder.Write(
            "chat.mjs",
            """
            export const handler = awslambda.streamifyResponse(async (event, stream) => {
              stream.write('hi');
              stream.end();
            });
            """);
        // Stand-ins for programs that a reader has, and for projects: serve starts an executable without a build.
        string[] programs = ["bootstrap", "bin/chat", "src/Chat", "src/Api", "src/Web", "path/bun"];
        foreach (var program in programs)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(program))!);
            var path = _folder.Write(program, "#!/bin/sh\n");
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        _folder.Write(
            "tale.jsonl",
            """
            {}
            {"afterMilliseconds":1,"text":"recorded"}
            {"afterMilliseconds":2,"complete":{}}

            """);

        // jq and shells other than bash might not be installed, and their output is not tested: replace them.
        var script =
            "set -eo pipefail; PATH=$1:$PATH:$2/path; cd \"$2\"\n"
            + "jq() { case $1 in -n) echo '{\"a\":1}';; *) cat;; esac; }\n";
        if (command.StartsWith("lambda-stream serve", StringComparison.Ordinal))
        {
            // Use any free port, wait until the server is ready, then send SIGINT. If the tests run in the background
            // of a shell, their child processes ignore SIGINT; the first lines restore the default.
            var ric = Path.Combine(Interop.Folder, "node_modules", "aws-lambda-ric");
            var runtime = command.Contains("node:", StringComparison.Ordinal) ? $" --ric '{ric}'" : "";
            script += "set -m\ndefault=; "
                + "! env --default-signal=INT true 2>/dev/null || default='env --default-signal=INT'\n"
                + "$default " + command + runtime + """
                 --port 0 >environment 2>log &
                for _ in $(seq 600); do grep -q serving log && break; sleep 0.1; done
                cat environment; kill -INT $!
                for _ in $(seq 300); do kill -0 $! 2>/dev/null || break; sleep 0.1; done
                kill -KILL $! 2>/dev/null || true; wait $!
                """;
        }
        else if (command.Contains("completion ", StringComparison.Ordinal)
            && !command.Contains("completion bash", StringComparison.Ordinal))
        {
            script += "lambda-stream completion " + command.Split("completion ")[1].Split([' ', ')'])[0];
        }
        else
        {
            var server = LocalAws.Server;
            var local = $"--local --endpoint-url {server.ServiceUrl} --region {server.Region.SystemName}";
            script += command.Replace("--local", local, StringComparison.Ordinal) + "\ntouch done";
        }

        string[] arguments = ["-c", script, "bash", Path.GetDirectoryName(ToolProcess.Path)!, _folder.File("")];
        AssertOutput(command, await Interop.RunAsync(LocalAws.Server, "bash", arguments));
    }

    private void AssertOutput(string command, string output)
    {
        if (command.StartsWith("lambda-stream serve", StringComparison.Ordinal))
            Assert.Contains("export AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:", output, StringComparison.Ordinal);
        else if (command.Contains("completion ", StringComparison.Ordinal))
            Assert.True(output.Length > 100 || _folder.Files().Contains("done"));
        else if (command.Contains("--output", StringComparison.Ordinal))
            Assert.Equal("Hello, world", File.ReadAllText(_folder.File("report.pdf")));
        else if (command.Contains("record ", StringComparison.Ordinal))
            Assert.Contains("world", File.ReadAllText(_folder.File("tale.jsonl")), StringComparison.Ordinal);
        else if (!command.Contains("--sse", StringComparison.Ordinal))
            Assert.Equal("Hello, world", output);
    }

    [Fact]
    public async Task Page_ExitCodes_EqualThoseOfTheProgram()
    {
        var page = new Page("docs/cli.md").Text;
        var help = await Run.ExecuteAsync("invoke", "--help");

        Assert.All(ExitCode.All, row => Assert.Contains($"| {row.Code} | {row.Meaning} |", page));
        Assert.All(ExitCode.All, row => Assert.Contains(row.Meaning, help.Output));
        Assert.Equal(0, help.ExitCode);
    }
}
