using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using LambdaStreaming.Testing.RuntimeApi;

namespace LambdaStreaming.Testing.Tests;

public class RuntimeProcessTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Supervisor_WholeGroupIsTerminatedAndTheHostIsGone_ProgramEndsToo()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs setsid.");
        var info = new ProcessStartInfo("setsid", ["sh", "-c", RuntimeProcess.Supervisor, "sh", "sh", "-c", "echo started; exec sleep 1000"]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        using var group = Process.Start(info)!;
        Assert.Equal("started", await group.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));

        using (var kill = Process.Start("kill", ["-s", "TERM", "--", $"-{group.Id}"])) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        group.StandardInput.Close();

        // The program holds the pipe for as long as it is there.
        Assert.Equal("", await group.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Node_StreamingHandler_StreamsWithItsContextAndLog()
    {
        await using var server = await StartNodeAsync("text");
        using var client = server.CreateClient();
        var request = InvokeWithResponseStreamRequest.FromJson("text", """{"name":"you"}""") with
        {
            LogType = LogType.Tail,
            ClientContext = Convert.ToBase64String("""{"custom":{"k":"v"}}"""u8),
            TenantId = "blue",
        };

        await using var response = await client.InvokeWithResponseStreamAsync(request, Token);
        var text = await ReadAsync(response);

        Assert.StartsWith("hello you, ", text);
        var context = JsonNode.Parse(text["hello you, ".Length..])!;
        Assert.Equal(
            (response.RequestId, "v", "blue", "arn:aws:lambda:us-east-1:123456789012:function:text"),
            ((string?)context["id"], (string?)context["client"]?["k"], (string?)context["tenant"], (string?)context["arn"]));
        Assert.Contains("""called with {"name":"you"}""", response.InvokeComplete?.DecodeLogResult());
    }

    [Theory]
    [InlineData("contentType", "data: 1\n\ndata: 2\n\n")]
    [InlineData("nothing", "")]
    [InlineData("buffered", """{"got":{}}""")]
    [InlineData("http", """{"statusCode":201,"headers":{"content-type":"text/plain"},"cookies":["a=1","b=2"]}""" + "\0\0\0\0\0\0\0\0hello wörld")]
    public async Task Node_EachGoodHandler_StreamsAndCompletes(string handler, string text)
    {
        await using var server = await StartNodeAsync(handler);
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new(handler), Token);

        Assert.Equal(text, await ReadAsync(response));
    }

    [Theory]
    [InlineData("failBefore", "", "RangeError", "boom before")]
    [InlineData("failMid", "one two ", "RangeError", "boom amid the stream")]
    [InlineData("bufferedFail", "", "Unhandled", "no stream here")]
    [InlineData("exitMid", "one ", "Runtime.TruncatedResponse", "ended before its end")]
    [InlineData("exitBefore", "", "Runtime.ExitError", "exit status 3")]
    [InlineData("noSuchExport", "", "Runtime.HandlerNotFound", "noSuchExport")]
    public async Task Node_EachBadHandler_FailsAfterWhatItWrote(string handler, string text, string errorCode, string details)
    {
        await using var server = await StartNodeAsync(handler);
        using var client = server.CreateClient();
        var received = new StringBuilder();

        await using var response = await client.InvokeWithResponseStreamAsync(new(handler), Token);
        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => ReadAsync(response, received));

        Assert.Equal((text, errorCode), (received.ToString(), error.ErrorCode));
        Assert.Contains(details, error.ErrorDetails);
    }

    [Fact]
    public async Task Node_AfterACrash_TheNextCallHasANewProcess()
    {
        await using var server = await StartNodeAsync("exitMid");
        using var client = server.CreateClient();

        for (var call = 0; call < 2; call++)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(new("exitMid"), Token);
            var error = await Assert.ThrowsAsync<FunctionErrorException>(() => ReadAsync(response));
            Assert.Equal("Runtime.TruncatedResponse", error.ErrorCode);
        }
    }

    [Fact]
    public async Task Node_CallsInTurn_UseOneProcess()
    {
        await using var server = await StartNodeAsync("who");
        using var client = server.CreateClient();

        var first = (await InvokeAsync(client, "who", "{}")).Split(' ');
        var second = (await InvokeAsync(client, "who", "{}")).Split(' ');

        Assert.Equal((first[0], "1", "2"), (second[0], first[1], second[1]));
    }

    [Fact]
    public async Task Node_CallsAtOnce_HaveAProcessEach()
    {
        await using var server = await StartNodeAsync("who");
        using var client = server.CreateClient();

        var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => InvokeAsync(client, "who", """{"milliseconds":1500}""")));

        Assert.Equal(3, answers.Select(answer => answer.Split(' ')[0]).Distinct().Count());
    }

    [Fact]
    public async Task Node_TimeOut_EndsTheCallAndKillsTheProcess()
    {
        await using var server = await StartNodeAsync("never", function => function.WithTimeout(TimeSpan.FromSeconds(4)));
        using var client = server.CreateClient();
        var received = new StringBuilder();

        await using var response = await client.InvokeWithResponseStreamAsync(new("never"), Token);
        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => ReadAsync(response, received));

        Assert.Equal("Sandbox.Timedout", error.ErrorCode);
        await GoneAsync(ProcessId(received.ToString()));
    }

    [Fact]
    public async Task DisposeAsync_ProcessRuns_KillsIt()
    {
        var server = await StartNodeAsync("who");
        using var client = server.CreateClient();
        var process = ProcessId((await InvokeAsync(client, "who", "{}")).Split(' ')[0]);
        Assert.True(IsAlive(process));

        await server.DisposeAsync();

        await GoneAsync(process);
    }

    [Fact]
    public async Task Supervisor_ParentsEndOfThePipeCloses_KillsTheProgramAndItsChildren()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Process groups are made with setsid, which Linux has.");
        var info = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var argument in (string[])["-c", RuntimeProcess.Supervisor, "test", "sh", "-c", "sleep 300 & echo ready; wait"]) info.ArgumentList.Add(argument);
        using var shell = Process.Start(info)!;
        Assert.Equal("ready", await shell.StandardOutput.ReadLineAsync(Token));

        shell.StandardInput.Close();    // what the system does when the parent is killed

        // Each process of the group holds the output open: its end is the end of the last of them.
        Assert.Equal("", await shell.StandardOutput.ReadToEndAsync(Token).WaitAsync(Soon, Token));
        await shell.WaitForExitAsync(Token).WaitAsync(Soon, Token);
        Assert.Equal(128 + 9, shell.ExitCode);
    }

    [Fact]
    public async Task Node_ClientLeaves_TheFunctionRunsOnAndServesTheNextCall()
    {
        await using var server = await StartNodeAsync("who");
        using var client = server.CreateClient();
        string process;
        await using (var response = await client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("who", """{"milliseconds":700}"""), Token))
        {
            await using var chunks = response.ReadChunksAsync(Token).GetAsyncEnumerator(Token);
            Assert.True(await chunks.MoveNextAsync());
            process = Encoding.UTF8.GetString(chunks.Current.ToArray()).Split(' ')[0];
        }

        await server.Requests[0].ClientDisconnected.WaitAsync(Soon, Token);
        Assert.True(IsAlive(ProcessId(process)));
    }

    [Fact]
    public async Task Bootstrap_AnyExecutable_Answers()
    {
        Interop.NeedsCurl();
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("boot", new RuntimeProcessOptions(Path.Combine(Interop.Functions, "bootstrap")) { TaskRoot = Interop.Functions }), Token);
        using var client = server.CreateClient();

        Assert.Equal("echo: \"hi\"", await InvokeAsync(client, "boot", "\"hi\""));
        Assert.Equal("echo: \"again\"", await InvokeAsync(client, "boot", "\"again\""));
    }

    [Fact]
    public async Task Supervisor_ProgramEnds_KillsWhatItLeft()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Process groups are made with setsid, which Linux has.");
        var info = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        foreach (var argument in (string[])["-c", RuntimeProcess.Supervisor, "test", "sh", "-c", "sleep 300 & exit 3"]) info.ArgumentList.Add(argument);
        using var shell = Process.Start(info)!;

        Assert.Equal("", await shell.StandardOutput.ReadToEndAsync(Token).WaitAsync(Soon, Token));
        await shell.WaitForExitAsync(Token).WaitAsync(Soon, Token);
        Assert.Equal(3, shell.ExitCode);
    }

    [Fact]
    public async Task Program_EndsButItsChildHoldsTheOutput_FailsTheCallAndKillsTheChild()
    {
        var child = new TaskCompletionSource<int>();
        await using var server = await StartShellAsync("sleep 300 & echo $!; exit 3", line => child.TrySetResult(int.Parse(line)));

        var error = await FailAsync(server);

        Assert.Equal("Runtime.ExitError", error.ErrorCode);
        Assert.Contains("exit status 3", error.ErrorDetails);
        await GoneAsync(await child.Task.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Program_LeavesAChildBeyondItsGroup_IsStillSeenToEnd()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs setsid, which Linux has.");
        var child = new TaskCompletionSource<int>();
        await using var server = await StartShellAsync("setsid sleep 300 & echo $!; exit 3", line => child.TrySetResult(int.Parse(line)));

        var error = await FailAsync(server);

        Assert.Equal("Runtime.ExitError", error.ErrorCode);
        using var left = Process.GetProcessById(await child.Task.WaitAsync(Soon, Token));
        left.Kill();
    }

    [Fact]
    public async Task Program_IsKilled_TheLogHasItsOwnLinesOnly()
    {
        var lines = new List<string>();
        await using var server = await StartShellAsync("echo mine; kill -s KILL $$", lines.Add);

        var error = await FailAsync(server);

        Assert.Contains("signal 9", error.ErrorDetails);
        Assert.Equal(["mine"], lines);
    }

    [Fact]
    public async Task OutputReceived_Throws_IsIgnored()
    {
        await using var server = await StartShellAsync("echo one; exit 3", _ => throw new InvalidOperationException("There is no currently active test."));

        Assert.Equal("Runtime.ExitError", (await FailAsync(server)).ErrorCode);
    }

    [Theory]
    [InlineData("streaming", "RangeError")]
    [InlineData("buffered", "Unhandled")]
    public async Task Node_ErrorIsLarge_ArrivesWhole(string handler, string errorCode)
    {
        Interop.NeedsNodeRuntime();
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "large.mjs"), """
                const fail = async () => { throw new RangeError('x'.repeat(100_000)); };
                export const streaming = awslambda.streamifyResponse(fail);
                export const buffered = async () => fail();
                """, Token);
            await using var server = await LocalLambdaServer.StartAsync(
                s => s.AddFunction("large", RuntimeProcessOptions.Node(folder.FullName, "large." + handler, Path.Combine(Interop.Folder, "node_modules", "aws-lambda-ric"))), Token);
            using var client = server.CreateClient();

            await using var response = await client.InvokeWithResponseStreamAsync(new("large"), Token).WaitAsync(Soon, Token);
            var error = await Assert.ThrowsAsync<FunctionErrorException>(() => ReadAsync(response).WaitAsync(Soon, Token));

            Assert.Equal(errorCode, error.ErrorCode);
            Assert.Contains(new string('x', 100_000), error.ErrorDetails);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task NoSuchProgram_IsTheFunctionsError()
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("none", new RuntimeProcessOptions("no-such-program-at-all")), Token);
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new("none"), Token);
        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => ReadAsync(response));

        Assert.Equal("Runtime.InvalidEntrypoint", error.ErrorCode);
        Assert.Contains("no-such-program-at-all", error.ErrorDetails);
    }

    private static Task<LocalLambdaServer> StartShellAsync(string script, Action<string> outputReceived)
    {
        Assert.SkipUnless(!OperatingSystem.IsWindows(), "Needs a Unix shell.");
        return LocalLambdaServer.StartAsync(
            s => s.AddFunction("shell", new RuntimeProcessOptions("/bin/sh") { Arguments = ["-c", script], OutputReceived = outputReceived }), Token);
    }

    private static async Task<FunctionErrorException> FailAsync(LocalLambdaServer server)
    {
        using var client = server.CreateClient();
        await using var response = await client.InvokeWithResponseStreamAsync(new("shell"), Token).WaitAsync(Soon, Token);
        return await Assert.ThrowsAsync<FunctionErrorException>(() => ReadAsync(response).WaitAsync(Soon, Token));
    }

    private static Task<LocalLambdaServer> StartNodeAsync(string handler, Action<LocalFunction>? configure = null)
    {
        Interop.NeedsNodeRuntime();
        return LocalLambdaServer.StartAsync(
            s =>
            {
                var function = s.AddFunction(handler, Interop.Node(handler));
                configure?.Invoke(function);
            },
            Token);
    }

    private static async Task<string> InvokeAsync(LambdaStreamingClient client, string function, string payload)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson(function, payload), Token);
        return await ReadAsync(response);
    }

    private static async Task<string> ReadAsync(InvokeWithResponseStreamResponse response, StringBuilder? text = null)
    {
        text ??= new StringBuilder();
        await foreach (var chunk in response.ReadChunksAsync(Token)) text.Append(Encoding.UTF8.GetString(chunk.ToArray()));
        return text.ToString();
    }

    private static int ProcessId(string text) => int.Parse(text.Replace("pid ", ""));

    private static bool IsAlive(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static async Task GoneAsync(int id)
    {
        Process process;
        try
        {
            process = Process.GetProcessById(id);
        }
        catch (ArgumentException)
        {
            return;
        }

        using (process) await process.WaitForExitAsync(Token).WaitAsync(Soon, Token);
    }
}
