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
