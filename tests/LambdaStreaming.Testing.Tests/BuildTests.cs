using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

/// <summary>When a project is built, with projects that are built by a script.</summary>
public sealed class BuildTests : IDisposable
{
    // Builds run one after another, in all test classes. Each takes seconds; on a busy machine, minutes.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();
    private readonly TaskCompletionSource _buildStarted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task BuildAsync_ErrorInAReferencedProjectIsCorrected_BuildsAgain()
    {
        var project = new ScriptProject(_folder.FullName, "grep -q correct ../Library/code");
        project.Write("Library/code", "an error");
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project));

        // The first build fails.
        await Assert.ThrowsAsync<FunctionBuildException>(() => BuildAsync(chat));
        project.Write("Library/code", "correct");
        await BuildAsync(chat);

        // A later build fails.
        project.Write("Library/code", "another error");
        await Assert.ThrowsAsync<FunctionBuildException>(() => BuildAsync(chat));
        project.Write("Library/code", "correct again");
        await BuildAsync(chat);
    }

    [Fact]
    public async Task BuildAsync_ProjectCannotBeEvaluatedAfterABuild_BuildsAgainAfterTheCorrection()
    {
        var project = new ScriptProject(_folder.FullName, "true");
        project.Write("Library/Imported.props", "<Project />");
        var text = await File.ReadAllTextAsync(project.Path, Token);
        const string Import = """<Project><Import Project="../Library/Imported.props" />""";
        project.Write("Chat/Chat.csproj", text.Replace("<Project>", Import, StringComparison.Ordinal));
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project));

        await BuildAsync(chat);
        project.Write("Library/Imported.props", "<Proj");
        await Assert.ThrowsAsync<FunctionBuildException>(() => BuildAsync(chat));
        project.Write("Library/Imported.props", "<Project></Project>");
        await BuildAsync(chat);
    }

    [Fact]
    public async Task BuildAsync_ReferencedFolderDoesNotExist_BuildsAfterItIsCreated()
    {
        var project = new ScriptProject(_folder.FullName, "test -e ../Library/code");
        Directory.Delete(project.GetPath("Library"), recursive: true);
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project));

        await Assert.ThrowsAsync<FunctionBuildException>(() => BuildAsync(chat));
        project.Write("Library/code", "");
        await BuildAsync(chat);
    }

    [Theory]
    [InlineData("Chat/bin/run.sh", true)]
    [InlineData("Chat/bin/run.sh", false)]
    [InlineData("Chat/bin/run.runtimeconfig.json", false)]
    [InlineData("Chat/bin/run.deps.json", false)]
    [InlineData("Chat/bin/Amazon.Lambda.RuntimeSupport.dll", false)]
    public async Task BuildAsync_OutputWasDeleted_BuildsAgain(string file, bool restartOnChange)
    {
        var project = new ScriptProject(
            _folder.FullName,
            "echo one >> ../builds; touch bin/run.sh bin/run.runtimeconfig.json bin/run.deps.json; "
                + "touch bin/Amazon.Lambda.RuntimeSupport.dll");
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project) with { RestartOnChange = restartOnChange });

        await BuildAsync(chat);
        await BuildAsync(chat);
        Assert.Single(await File.ReadAllLinesAsync(project.GetPath("builds"), Token));
        File.Delete(project.GetPath(file));
        await BuildAsync(chat);
        await BuildAsync(chat);

        Assert.Equal(2, (await File.ReadAllLinesAsync(project.GetPath("builds"), Token)).Length);
        Assert.True(File.Exists(project.GetPath(file)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task BuildAsync_AssemblyWasDeleted_ThrowsFunctionBuildExceptionUntilItExists(bool restartOnChange)
    {
        const string Configuration = ".runtimeconfig.json";
        var assembly = typeof(BuildTests).Assembly.Location;
        var copy = Path.Combine(_folder.FullName, Path.GetFileName(assembly));
        File.Copy(assembly, copy);
        File.Copy(Path.ChangeExtension(assembly, Configuration), Path.ChangeExtension(copy, Configuration));
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction(
            "f", RuntimeProcessOptions.DotNet(copy) with { RestartOnChange = restartOnChange });

        File.Delete(copy);
        var exception = await Assert.ThrowsAsync<FunctionBuildException>(() => BuildAsync(chat));
        File.Copy(assembly, copy);
        await BuildAsync(chat);

        Assert.IsType<FileNotFoundException>(exception.InnerException);
    }

    // dotnet test and MSBuildLocator set such variables. They belong to the SDK of this process.
    [Fact]
    public async Task BuildAsync_ProcessHasVariablesOfAnotherSdk_BuildDoesNotGetThem()
    {
        string[] names = ["MSBuildSDKsPath", "MSBuildExtensionsPath", "MSBUILD_EXE_PATH"];
        var project = new ScriptProject(_folder.FullName, "env > ../variables");
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project));

        var present = names.Select(Environment.GetEnvironmentVariable).ToArray();
        foreach (var name in names) Environment.SetEnvironmentVariable(name, "/other-sdk");
        try
        {
            await BuildAsync(chat);
        }
        finally
        {
            foreach (var (name, value) in names.Zip(present)) Environment.SetEnvironmentVariable(name, value);
        }

        Assert.DoesNotContain("/other-sdk", await File.ReadAllTextAsync(project.GetPath("variables"), Token));
    }

    [Fact]
    public async Task BuildAsync_SourceHasATimeInTheFuture_BuildsOnce()
    {
        var project = new ScriptProject(_folder.FullName, "echo one >> ../builds");
        foreach (var file in (string[])["Chat/code", "Library/code"])
        {
            project.Write(file, "");
            File.SetLastWriteTimeUtc(project.GetPath(file), DateTime.UtcNow.AddDays(1));
        }

        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project));

        await BuildAsync(chat);
        await BuildAsync(chat);

        Assert.Single(await File.ReadAllLinesAsync(project.GetPath("builds"), Token));
    }

    [Theory]
    [InlineData("cp -p ../new code")]                   // keeps the old time
    [InlineData("echo new > code")]
    [InlineData("echo new > ../Library/code")]          // the first build does not know this folder before
    public async Task BuildAsync_SourceIsReplacedDuringTheBuild_BuildsOnceMore(string replace)
    {
        var project = new ScriptProject(_folder.FullName, $"[ -e ../builds ] || {replace}; echo one >> ../builds");
        foreach (var file in (string[])["new", "Chat/code", "Library/code"])
        {
            project.Write(file, file);
            File.SetLastWriteTimeUtc(project.GetPath(file), DateTime.UtcNow.AddDays(-1));
        }

        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project));

        for (var call = 0; call < 3; call++) await BuildAsync(chat);

        Assert.Equal(2, (await File.ReadAllLinesAsync(project.GetPath("builds"), Token)).Length);
    }

    // Windows does not replace the files of a running program. Another process can build the project at the same time.
    [Theory]
    [InlineData("chat : error MSB3021: Unable to copy file.")]
    [InlineData("chat : error MSB3491: Could not write lines to file.")]
    [InlineData("CSC : error CS2012: Cannot open file for writing.")]
    [InlineData("vbc : error BC2012: Cannot open file for writing.")]
    [InlineData("a.targets(1,2): error MSB4018: System.IO.IOException: The file cannot be opened.")]
    [InlineData("NuGet.targets : error : The file is being used by another process.")]
    public async Task BuildAsync_FileIsInUse_BuildsAgainWithoutAChange(string error)
    {
        var project = new ScriptProject(_folder.FullName, $"[ -e ../free ] || {{ echo '{error}'; false; }}");
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project));

        await Assert.ThrowsAsync<FunctionBuildException>(() => BuildAsync(chat));
        project.Write("free", "");
        await BuildAsync(chat);
    }

    [Theory]
    [InlineData("-getProperty:TargetPath")]
    [InlineData("-getResultOutputFile:/tmp/results")]
    public async Task BuildAsync_SdkDoesNotKnowTheSwitches_MessageAndOutputNameTheRequiredSdk(string name)
    {
        var project = new ScriptProject(_folder.FullName, ReportUnknownSwitch(name));
        var lines = new ConcurrentQueue<string>();
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project) with { OutputReceived = lines.Enqueue });

        var exception = await Assert.ThrowsAsync<FunctionBuildException>(() => BuildAsync(chat));

        Assert.Contains("8.0.300", exception.Message);
        // The tool prints the output, and not the message.
        var line = Assert.Single(lines, line => line.Contains("8.0.300", StringComparison.Ordinal));
        Assert.Contains($" {project.GetPath("Chat")} ", line);
    }

    // The switch can be in a Directory.Build.rsp. A target can run another build, and ignore its failure.
    [Theory]
    [InlineData("error", "-unknown", true)]
    [InlineData("warning", "-getProperty:TargetPath", false)]
    public async Task BuildAsync_AnotherSwitchOrBuildIsUnknown_OutputDoesNotNameAnSdk(
        string severity, string name, bool fails)
    {
        var project = new ScriptProject(_folder.FullName, ReportUnknownSwitch(name, severity));
        var lines = new ConcurrentQueue<string>();
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project) with { OutputReceived = lines.Enqueue });

        var exception = await Record.ExceptionAsync(() => BuildAsync(chat));

        Assert.Equal(fails, exception is FunctionBuildException);
        Assert.Contains(lines, line => line.Contains("MSB1001", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains("8.0.300", StringComparison.Ordinal));
    }

    // MSBuild prints the errors and warnings of a script, and fails if it has errors.
    private static string ReportUnknownSwitch(string name, string severity = "error") =>
        $"echo 'MSBUILD : {severity} MSB1001: Unknown switch. "
        + $"Full command line: MSBuild -getProperty:TargetPath -getResultOutputFile:a. Switch: {name}'";

    [Fact]
    public async Task BuildAsync_FolderOfTheProjectIsDeleted_FailsUntilItReturns()
    {
        var project = new ScriptProject(_folder.FullName, "true");
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project));
        await BuildAsync(chat);

        Directory.Move(project.GetPath("Chat"), project.GetPath("Moved"));
        var exception = await Assert.ThrowsAsync<FunctionBuildException>(() => BuildAsync(chat));
        Directory.Move(project.GetPath("Moved"), project.GetPath("Chat"));
        await BuildAsync(chat);

        // The start of dotnet in a folder that does not exist has a cause.
        Assert.Null(exception.InnerException);
    }

    [Fact]
    public async Task StartAsync_FunctionWasReplaced_DoesNotBuildIt()
    {
        var project = new ScriptProject(_folder.FullName, "false");
        var options = new LocalLambdaServerOptions();
        options.AddFunction("f", CreateOptions(project));
        options.AddFunction("f");

        await using var server = await LocalLambdaServer.StartAsync(options, Token);
    }

    [Fact]
    public async Task BuildAsync_ManyWarningsPrecedeTheError_MessageHasTheError()
    {
        var project = new ScriptProject(
            _folder.FullName,
            "for i in $(seq 25); do echo \"chat.cs : warning T$i: unused\"; done; "
                + "echo 'chat.cs : error E1: wrong'; false");
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project));

        var exception = await Assert.ThrowsAsync<FunctionBuildException>(() => BuildAsync(chat));

        Assert.Contains("chat.cs : error E1: wrong", exception.Message);
        Assert.Contains("warning T1:", exception.Message);
        Assert.Contains("warning T25:", exception.BuildOutput);
    }

    [Theory]
    [InlineData("net8.0;net10.0")]
    [InlineData(" net8.0 ;; net10.0 ; ")]
    public async Task BuildAsync_SeveralTargetFrameworks_BuildsOnlyTheLast(string frameworks)
    {
        var project = new ScriptProject(_folder.FullName, "echo \"$1\" >> ../builds");
        project.SetTargetFrameworks(frameworks);
        var options = new LocalLambdaServerOptions();

        await BuildAsync(options.AddFunction("f", CreateOptions(project)));

        Assert.Equal(["net10.0"], await File.ReadAllLinesAsync(project.GetPath("builds"), Token));
    }

    [Fact]
    public async Task BuildAsync_AnImportedFileHasTheTargetFrameworks_BuildsTheLastEvenIfAnotherFails()
    {
        var project = new ScriptProject(_folder.FullName, "test \"$1\" = net10.0 && touch ../built");
        project.SetTargetFrameworks("net8.0;net10.0", import: "Frameworks.props");
        var options = new LocalLambdaServerOptions();

        await BuildAsync(options.AddFunction("f", CreateOptions(project)));

        Assert.True(File.Exists(project.GetPath("built")));
    }

    [Fact]
    public async Task BuildAsync_ProjectHasNoTargetPath_ThrowsFunctionBuildException()
    {
        var project = new ScriptProject(_folder.FullName, "true");
        project.SetTargetFrameworks(";");
        var options = new LocalLambdaServerOptions();
        var chat = options.AddFunction("f", CreateOptions(project));

        await Assert.ThrowsAsync<FunctionBuildException>(() => BuildAsync(chat));
    }

    [Fact]
    public async Task BuildAsync_FunctionsHaveOneProject_OneBuildRunsAtATime()
    {
        // The first build waits until the file exists.
        var project = new ScriptProject(
            _folder.FullName, "echo 'build : warning T1: started'; until [ -e ../gate ]; do sleep 0.1; done");
        var options = new LocalLambdaServerOptions();
        var first = options.AddFunction("first", CreateOptions(project));
        var second = options.AddFunction("second", CreateOptions(project));

        Task[] builds = [BuildAsync(first), BuildAsync(second)];
        try
        {
            await _buildStarted.Task.WaitAsync(Limit, Token);
            Assert.Single(project.FindBuilds(), IsBuild);
        }
        finally
        {
            project.Write("gate", "");
            await Task.WhenAll(builds);
        }
    }

    [Fact]
    public async Task RestartOnChange_ProjectIsBuiltAgain_IdleProcessHasExited()
    {
        Interop.NeedsCurl();
        // Windows cannot replace the files of a process.
        var project = new ScriptProject(
            _folder.FullName, "if [ -e ../id ]; then ! kill -0 \"$(cat ../id)\" 2>/dev/null; fi");
        await using var server = await StartAsync(project);
        using var client = server.CreateClient(options => options.ResponseHeadersTimeout = Limit);

        var first = await InvokeAsync(client);
        project.Write("Chat/code", "new");
        var second = await InvokeAsync(client);

        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task WithTimeout_ElapsesDuringTheBuild_NoProcessStartsForTheCall()
    {
        Interop.NeedsCurl();
        var project = new ScriptProject(
            _folder.FullName, "echo 'build : warning T1: started'; until [ -e ../gate ]; do sleep 0.1; done");
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LocalLambdaServer.StartAsync(
            new LocalLambdaServerOptions { TimeProvider = clock }, Token);
        var starts = 0;
        var process = CreateOptions(project) with
        {
            EnvironmentProvider = _ =>
            {
                Interlocked.Increment(ref starts);
                return Task.FromResult<IReadOnlyDictionary<string, string?>>(new Dictionary<string, string?>());
            },
        };
        server.AddFunction("f", process).WithTimeout(TimeSpan.FromSeconds(3));
        using var client = server.CreateClient();

        var late = InvokeAsync(client);
        await _buildStarted.Task.WaitAsync(Limit, Token);
        clock.Advance(TimeSpan.FromSeconds(3));
        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => late);
        project.Write("gate", "");
        // The server has one process at most, so this call waits until the first one has ended.
        await InvokeAsync(client);

        Assert.Equal(("Sandbox.Timedout", 1), (error.ErrorCode, starts));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DisposeAsync_BuildIsRunning_NoProcessOfTheBuildRemains(bool call)
    {
        var project = new ScriptProject(
            _folder.FullName, "echo 'build : warning T1: started'; while true; do sleep 1; done");
        await using var server = await LocalLambdaServer.StartAsync(new LocalLambdaServerOptions(), Token);
        var chat = server.AddFunction("f", CreateOptions(project));
        using var client = server.CreateClient(options => options.ResponseHeadersTimeout = Limit);

        var build = call ? InvokeAsync(client) : chat.BuildAsync(Token);
        await _buildStarted.Task.WaitAsync(Limit, Token);
        Assert.Contains(project.FindBuilds(), IsBuild);
        await server.DisposeAsync();

        Assert.DoesNotContain(project.FindBuilds(), IsBuild);
        // Its child processes were killed at the same time.
        Assert.True(SpinWait.SpinUntil(() => project.FindBuilds().Length == 0, Limit));
        await Assert.ThrowsAnyAsync<Exception>(() => build);
    }

    private Task<LocalLambdaServer> StartAsync(ScriptProject project) =>
        LocalLambdaServer.StartAsync(s => s.AddFunction("f", CreateOptions(project)), Token).WaitAsync(Limit, Token);

    private RuntimeProcessOptions CreateOptions(ScriptProject project) =>
        RuntimeProcessOptions.DotNet(project.Path) with
        {
            RestartOnChange = true,
            MaxProcesses = 1,   // the next call waits for the process, however long it takes to request a call
            OutputReceived = line =>
            {
                if (line.Contains("started", StringComparison.Ordinal)) _buildStarted.TrySetResult();
            },
        };

    private static bool IsBuild(string commandLine) => commandLine.Contains(" msbuild ", StringComparison.Ordinal);

    private static Task BuildAsync(LocalFunction function) => function.BuildAsync(Token).WaitAsync(Limit, Token);

    private static async Task<string> InvokeAsync(LambdaStreamingClient client)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Token).WaitAsync(Limit, Token);
        var text = "";
        await foreach (var part in response.ReadTextAsync(cancellationToken: Token)) text += part;
        return text;
    }
}
