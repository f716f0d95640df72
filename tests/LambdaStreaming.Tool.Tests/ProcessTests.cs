using System.Text;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Tests;

/// <summary>What only a process of its own shows: pipes, signals, and when bytes leave.</summary>
public sealed class ProcessTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static void NeedsUnix() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs Unix pipes and signals.");

    private static async Task<string> ReadAsync(Stream stream, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);
        return Encoding.UTF8.GetString(bytes);
    }

    [Theory]
    [InlineData("--raw", "first\n")]
    [InlineData("--lines", "first\n")]
    [InlineData("--text", "first\n")]
    public async Task Invoke_FunctionWaitsAfterAChunk_TheChunkIsOutAlready(string form, string expected)
    {
        var go = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) =>
        {
            await response.WriteTextAsync("first\n", ct);
            await go.Task.WaitAsync(ct);
            await response.WriteTextAsync("second\n", ct);
        }));
        using var process = ToolProcess.Invoke(server, form);

        Assert.Equal(expected, await ReadAsync(process.Output, expected.Length));
        go.SetResult();
        Assert.Equal("second\n", await process.OutputText.ReadToEndAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, await process.ExitCodeAsync());
    }

    [Fact]
    public async Task Invoke_ReaderOfThePipeLeaves_141QuietlyAndConnectionIsFreed()
    {
        NeedsUnix();
        var go = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) =>
        {
            await response.WriteTextAsync("first\n", ct);
            await go.Task.WaitAsync(ct);
            await response.WriteTextAsync("second\n", ct);
            await Task.Delay(Timeout.Infinite, ct);
        }));
        using var process = ToolProcess.Invoke(server);
        await ReadAsync(process.Output, 6);

        process.Output.Dispose();
        go.SetResult();

        Assert.Equal(141, await process.ExitCodeAsync());
        Assert.Equal("", await process.Error);
        await server.Requests[0].ClientDisconnected.WaitAsync(Patience);
    }

    [Theory]
    [InlineData(ToolProcess.SigInt, 130, "--raw")]
    [InlineData(ToolProcess.SigTerm, 143, "--raw")]
    [InlineData(ToolProcess.SigInt, 130, "--lines")]
    [InlineData(ToolProcess.SigInt, 130, "--http")]
    [InlineData(ToolProcess.SigInt, 130, "--events")]
    public async Task Invoke_Signal_FreesTheConnectionAndSaysThatTheFunctionRunsOn(int signal, int exitCode, string form)
    {
        NeedsUnix();
        await using var server = await LocalLambdaServer.StartAsync(options => options
            .AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("first\n", ct)).OnEveryCall().StallAfterChunks(1));
        using var process = ToolProcess.Invoke(server, form);
        await ReadAsync(process.Output, 6);

        process.Signal(signal);

        Assert.Equal(exitCode, await process.ExitCodeAsync());
        Assert.Contains("does not stop the function", await process.Error);
        await server.Requests[0].ClientDisconnected.WaitAsync(Patience);
    }

    [Fact]
    public async Task Invoke_CtrlCBeforeTheHead_130()
    {
        NeedsUnix();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f").OnEveryCall().StallBeforeHeaders());
        using var process = ToolProcess.Invoke(server);
        var request = await server.WaitForRequestAsync(TestContext.Current.CancellationToken);

        process.Signal(ToolProcess.SigInt);

        Assert.Equal(130, await process.ExitCodeAsync());
        Assert.Contains("might have run", await process.Error);
        await request.ClientDisconnected.WaitAsync(Patience);
    }

    [Theory]
    [InlineData("--raw")]
    [InlineData("--events")]
    public async Task Invoke_CtrlCWhileNobodyReadsTheOutput_130(string form)
    {
        NeedsUnix();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) =>
        {
            // More than pipe, sockets and buffers hold.
            while (true) await response.WriteAsync(new byte[1024 * 1024], ct);
        }));
        using var process = ToolProcess.Invoke(server, form);
        await ReadAsync(process.Output, 1);

        process.Signal(ToolProcess.SigInt);

        Assert.Equal(130, await process.ExitCodeAsync());
    }

    [Fact]
    public async Task Invoke_InputThatNeverEnds_IsNotReadUnasked()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("done", ct)));

        // Its standard input is a pipe that stays open.
        using var process = ToolProcess.Invoke(server);

        Assert.Equal("done", await process.OutputText.ReadToEndAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, await process.ExitCodeAsync());
    }

    [Fact]
    public async Task Invoke_FileInAShell_WhatComesNextIsWrittenAfterTheAnswer()
    {
        NeedsUnix();
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("answer ", ct)));

        await Interop.RunAsync(server, "/bin/sh", "-c", "(printf 'before '; \"$1\" invoke f; printf after) > \"$2\"", "sh", ToolProcess.Path, folder.File("out"));

        Assert.Equal("before answer after", await File.ReadAllTextAsync(folder.File("out"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Invoke_OutputIsFull_1AndSaysSo()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "Needs /dev/full.");
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("answer", ct)));

        var run = await Run.InvokeAsync(server, "--output", "/dev/full");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("can't be written", run.Error);
    }

    [Fact]
    public async Task Completion_Bash_OffersWhatTheProgramKnows()
    {
        NeedsUnix();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f"));
        const string Script = """
            PATH="$1:$PATH"; eval "$(lambda-stream completion bash)"
            COMP_LINE='lambda-stream invoke f --retry n'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=($COMP_LINE); COMP_CWORD=4; _lambda_stream; echo "${COMPREPLY[@]}"
            """;

        var output = await Interop.RunAsync(server, "bash", "-c", Script, "bash", Path.GetDirectoryName(ToolProcess.Path)!);

        Assert.Equal("never\n", output);
    }

    [Theory]
    [InlineData("2>&-")]
    [InlineData("2>/dev/full")]
    public async Task Invoke_ErrorStreamCantBeWritten_ExitCodeTellsTheEndNonetheless(string redirection)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "Needs /dev/full.");
        await using var server = await LocalLambdaServer.StartAsync(_ => { });

        var output = await Interop.RunAsync(server, "/bin/sh", "-c", $"\"$1\" invoke f {redirection}; echo $?", "sh", ToolProcess.Path);

        Assert.Equal("5\n", output);
    }

    [Fact]
    public void Report_BrokenPipeOfAnyWrite_141AndNoWord()
    {
        using var error = new StringWriter();
        var console = new ToolConsole { Input = Stream.Null, Output = Stream.Null, Error = error };

        Assert.Equal(141, Failure.Report(console, new IOException("Broken pipe", 32), debug: false));

        Assert.Empty(error.ToString());
    }

    [Fact]
    public async Task Invoke_CtrlCWhileAPipeHasNoWriter_130()
    {
        NeedsUnix();
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f"));
        await Interop.RunAsync(server, "mkfifo", folder.File("pipe"));
        using var process = ToolProcess.Start(["invoke", "f", "--local", "--debug", "--payload", "@" + folder.File("pipe")]);
        // Opened for writing it has been opened for reading too; nothing is written.
        await using var writer = await Task.Run(() => new FileStream(folder.File("pipe"), FileMode.Open, FileAccess.Write), TestContext.Current.CancellationToken);

        process.Signal(ToolProcess.SigInt);

        Assert.Equal(130, await process.ExitCodeAsync());
    }

    [Fact]
    public async Task Invoke_OutputIsALinkToAPipe_IsWritten()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs /dev/stdout.");
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("answer", ct)));

        Assert.Equal("answer", await Interop.RunAsync(server, "/bin/sh", "-c", "\"$1\" invoke f --output /dev/stdout | cat", "sh", ToolProcess.Path));
    }

    [Theory]
    [InlineData("invoke", "--output /dev/stdout")]
    [InlineData("invoke", "--output /dev/fd/3")]
    [InlineData("record", "--to /dev/stdout")]
    [InlineData("record", "--to /dev/fd/3")]
    [InlineData("record", "--to -")]
    public async Task AnyCommand_ShellAppends_KeepsWhatStoodThere(string command, string option)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs /dev/fd as Linux has it.");
        using var folder = new TemporaryFolder();
        var log = folder.Write("log", "before ");
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("answer", ct)));

        await Interop.RunAsync(server, "/bin/sh", "-c", $"cd \"$2\"; \"$1\" {command} f {option} 3>> log >> log", "sh", ToolProcess.Path, Path.GetDirectoryName(log)!);

        var text = await File.ReadAllTextAsync(log, TestContext.Current.CancellationToken);
        Assert.StartsWith("before ", text);
        Assert.Contains("answer", text);
    }

    [Fact]
    public async Task Invoke_OutputIsADeviceInALinkedFolder_IsWritten()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs /proc.");
        using var folder = new TemporaryFolder();
        // Not /dev: where this fails, a file of its own would stand in a device's place.
        Directory.CreateSymbolicLink(folder.File("linked"), "/proc/self/fd");
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("answer", ct)));

        Assert.Equal("answer", await Interop.RunAsync(server, "/bin/sh", "-c", "\"$1\" invoke f --output \"$2\" | cat", "sh", ToolProcess.Path, folder.File("linked/1")));
    }

    [Fact]
    public async Task Invoke_OutputIsANamedPipe_IsWritten()
    {
        NeedsUnix();
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("answer", ct)));

        var output = await Interop.RunAsync(server, "/bin/sh", "-c", "mkfifo \"$2\"; \"$1\" invoke f --output \"$2\" & cat \"$2\"; wait", "sh", ToolProcess.Path, folder.File("pipe"));

        Assert.Equal("answer", output);
        Assert.Equal(["pipe"], folder.Files());
    }

    [Fact]
    public async Task Invoke_CtrlCWhileANamedPipeHasNoReader_130AndNothingIsSent()
    {
        NeedsUnix();
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f"));
        await Interop.RunAsync(server, "mkfifo", folder.File("pipe"));
        using var process = ToolProcess.Invoke(server, "--debug", "--output", folder.File("pipe"));

        process.Signal(ToolProcess.SigInt);

        Assert.Equal(130, await process.ExitCodeAsync());
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Invoke_OutputInSharedMemory_ReplacesTheFile()
    {
        Assert.SkipUnless(Directory.Exists("/dev/shm"), "Needs /dev/shm.");
        var path = "/dev/shm/" + Path.GetRandomFileName();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("answer", ct)));
        try
        {
            await File.WriteAllTextAsync(path, "something longer", TestContext.Current.CancellationToken);

            Assert.Equal(0, (await Run.InvokeAsync(server, "--output", path)).ExitCode);

            Assert.Equal("answer", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Invoke_TwoWriteOneFile_FileIsOneOfTheResponses()
    {
        using var folder = new TemporaryFolder();
        var go = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (invocation, response, ct) =>
        {
            await response.WriteAsync(invocation.Payload, ct);
            await go.Task.WaitAsync(ct);
            await response.WriteAsync(invocation.Payload, ct);
        }));
        var first = Run.InvokeAsync(server, "--payload", "1", "--output", folder.File("out"));
        var second = Run.InvokeAsync(server, "--payload", "2", "--output", folder.File("out"));
        await server.WaitForRequestAsync(TestContext.Current.CancellationToken);
        await server.WaitForRequestAsync(TestContext.Current.CancellationToken);

        go.SetResult();

        Assert.Equal((0, 0), ((await first).ExitCode, (await second).ExitCode));
        Assert.Contains(await File.ReadAllTextAsync(folder.File("out"), TestContext.Current.CancellationToken), (string[])["11", "22"]);
        Assert.Equal(["out"], folder.Files());
    }
}
