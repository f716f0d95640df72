using System.Text;
using LambdaStreaming.Testing.RuntimeApi;

namespace LambdaStreaming.Testing.Tests;

/// <summary>.NET functions, built and run as <c>lambda-stream serve</c> does.</summary>
/// <remarks>Each test builds a copy of tests/functions/dotnet outside this repository and its settings.</remarks>
public sealed class DotNetFunctionTests : IDisposable
{
    // A build takes seconds; on a busy machine, minutes.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();
    private readonly StringBuilder _output = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Executable_IsBuiltStreamsFailsAndIsRebuiltAfterAChange()
    {
        Nightly.SkipUnlessRequested("Builds projects.");
        var project = DotNetFunctions.CopyTo(_folder.FullName);
        // The build writes below the folder of the sources.
        await File.WriteAllTextAsync(Path.Combine(project, "Directory.Build.props"), """
            <Project><PropertyGroup><UseArtifactsOutput>true</UseArtifactsOutput></PropertyGroup></Project>
            """, Token);
        await using var server = await StartAsync(RuntimeProcessOptions.DotNet(project));
        using var client = server.CreateClient(options => options.ResponseHeadersTimeout = Limit);

        Assert.Equal($"version one {project}", await InvokeAsync(client, "\"hi\""));
        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => InvokeAsync(client, "\"fail\""));
        Assert.Equal("InvalidOperationException", error.ErrorCode);
        Assert.Contains("no more words", error.ErrorDetails);

        Assert.DoesNotContain("changed", _output.ToString());
        Edit(Path.Combine(project, "Program.cs"), "version one", "version two");
        Assert.Equal($"version two {project}", await InvokeAsync(client, "\"hi\""));

        // A change of a referenced project counts, too. The old version does not handle calls after it.
        var reference = Path.Combine(_folder.FullName, "Amazon.Lambda.RuntimeSupport", "RuntimeClient.cs");
        Edit(reference, "namespace Amazon", "namespce Amazon");
        error = await Assert.ThrowsAsync<FunctionErrorException>(() => InvokeAsync(client, "\"hi\""));
        Assert.Equal("Runtime.BuildFailed", error.ErrorCode);
        Assert.Contains("RuntimeClient.cs", error.ErrorDetails);
        Assert.Contains("error CS", _output.ToString());
        Edit(reference, "namespce Amazon", "namespace Amazon");
        Assert.Equal($"version two {project}", await InvokeAsync(client, "\"hi\""));
    }

    [Fact]
    public async Task ClassLibrary_HandlerStreams()
    {
        Nightly.SkipUnlessRequested("Builds projects.");
        DotNetFunctions.CopyTo(_folder.FullName);
        var project = Path.Combine(_folder.FullName, "Greeter", "Greeter.csproj");
        var process = RuntimeProcessOptions.DotNet(project, "Greeter::Greeter.Function::GreetAsync");
        await using var server = await StartAsync(process);
        using var client = server.CreateClient(options => options.ResponseHeadersTimeout = Limit);

        Assert.Equal("hello \"you\"", await InvokeAsync(client, "\"you\""));

        // The built assembly can be specified as well, but not without a handler.
        var assembly = Directory.GetFiles(Path.Combine(_folder.FullName, "Greeter", "bin"), "Greeter.dll",
            SearchOption.AllDirectories).Single();
        server.AddFunction("f", RuntimeProcessOptions.DotNet(assembly, "Greeter::Greeter.Function::GreetAsync"));
        Assert.Equal("hello \"me\"", await InvokeAsync(client, "\"me\""));
        var exception = await Assert.ThrowsAsync<FunctionBuildException>(() =>
            StartAsync(RuntimeProcessOptions.DotNet(assembly)));
        Assert.Contains("is a class library", exception.Message);

        // Without the package that runs handlers.
        File.Delete(Path.Combine(Path.GetDirectoryName(assembly)!, "Amazon.Lambda.RuntimeSupport.dll"));
        exception = await Assert.ThrowsAsync<FunctionBuildException>(() => StartAsync(
            RuntimeProcessOptions.DotNet(assembly, "Greeter::Greeter.Function::GreetAsync")));
        Assert.Contains("CopyLocalLockFileAssemblies", exception.Message);
        Edit(Path.ChangeExtension(assembly, ".deps.json"), "Amazon.Lambda.RuntimeSupport", "Something.Else");
        exception = await Assert.ThrowsAsync<FunctionBuildException>(() => StartAsync(
            RuntimeProcessOptions.DotNet(assembly, "Greeter::Greeter.Function::GreetAsync")));
        Assert.Contains("dotnet add package Amazon.Lambda.RuntimeSupport", exception.Message);
        File.Delete(Path.ChangeExtension(assembly, ".runtimeconfig.json"));
        exception = await Assert.ThrowsAsync<FunctionBuildException>(() => StartAsync(
            RuntimeProcessOptions.DotNet(assembly, "Greeter::Greeter.Function::GreetAsync")));
        Assert.Contains("GenerateRuntimeConfigurationFiles", exception.Message);
    }

    [Fact]
    public async Task GetVersionAsync_HostOfAClassLibraryWasDeleted_ExtractsItAgain()
    {
        // A copy of this assembly that looks like a class library with all that it needs.
        var assembly = typeof(DotNetFunctionTests).Assembly.Location;
        var library = Path.Combine(_folder.FullName, "Library.dll");
        File.Copy(assembly, library);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "Library.runtimeconfig.json"), "{}", Token);
        await File.WriteAllTextAsync(
            Path.Combine(_folder.FullName, "Library.deps.json"), "\"Amazon.Lambda.RuntimeSupport/2.1.2\"", Token);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "Amazon.Lambda.RuntimeSupport.dll"), "", Token);
        var program = new RuntimeProgram(RuntimeProcessOptions.DotNet(library, "Library::Function::Handle"));

        var first = await program.GetVersionAsync(() => Task.CompletedTask, Token);
        File.Delete(DotNetHost.FilePath);
        var second = await program.GetVersionAsync(() => Task.CompletedTask, Token);

        Assert.DoesNotContain(DotNetHost.FilePath, first.Command.Arguments);
        Assert.Contains(DotNetHost.FilePath, second.Command.Arguments);
        Assert.True(File.Exists(DotNetHost.FilePath));
    }

    [Fact]
    public void DotNet_PathIsNotAProgram_ThrowsWithAdvice()
    {
        var missing = Assert.Throws<FunctionBuildException>(() => RuntimeProcessOptions.DotNet("/no/such/project"));
        var empty = Assert.Throws<FunctionBuildException>(() => RuntimeProcessOptions.DotNet(_folder.FullName));
        File.WriteAllText(Path.Combine(_folder.FullName, "A.csproj"), "");
        File.WriteAllText(Path.Combine(_folder.FullName, "B.fsproj"), "");
        var ambiguous = Assert.Throws<FunctionBuildException>(() => RuntimeProcessOptions.DotNet(_folder.FullName));

        Assert.Contains("does not exist", missing.Message);
        Assert.Contains("does not contain a project", empty.Message);
        Assert.Contains("2 projects", ambiguous.Message);
    }

    [Theory]
    [InlineData("Chat.sln")]
    [InlineData("chat.cs")]
    [InlineData("chat")]
    public void DotNet_FileIsNotAProgram_ThrowsFunctionBuildException(string file)
    {
        var path = Path.Combine(_folder.FullName, file);
        File.WriteAllText(path, "");

        Assert.Throws<FunctionBuildException>(() => RuntimeProcessOptions.DotNet(path));
    }

    [Theory]
    [InlineData("Chat.csproj")]
    [InlineData("Chat.dll")]
    [InlineData("Chat.exe")]
    public void DotNet_FileIsAProgram_IsAccepted(string file)
    {
        var path = Path.Combine(_folder.FullName, file);
        File.WriteAllText(path, "");
        if (!OperatingSystem.IsWindows() && file == "Chat.exe")
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        Assert.Equal("Chat", RuntimeProcessOptions.DotNet(path).Handler);
    }

    [Fact]
    public async Task BuildAsync_FunctionsAreNotBuiltAtStart_ThrowsUntilTheErrorIsCorrected()
    {
        Nightly.SkipUnlessRequested("Builds projects.");
        var project = DotNetFunctions.CopyTo(_folder.FullName);
        var reference = Path.Combine(_folder.FullName, "Amazon.Lambda.RuntimeSupport", "RuntimeClient.cs");
        Edit(reference, "namespace Amazon", "namespce Amazon");
        var options = new LocalLambdaServerOptions { BuildFunctionsAtStart = false };
        var chat = options.AddFunction("f", RuntimeProcessOptions.DotNet(project) with { RestartOnChange = true });

        await using var server = await LocalLambdaServer.StartAsync(options, Token);
        await Assert.ThrowsAsync<FunctionBuildException>(() => chat.BuildAsync(Token));

        Edit(reference, "namespce Amazon", "namespace Amazon");
        await chat.BuildAsync(Token);
        using var client = server.CreateClient(options => options.ResponseHeadersTimeout = Limit);
        Assert.Equal($"version one {project}", await InvokeAsync(client, "\"hi\""));

        // A function in C# does not require a build.
        await server.AddFunction("empty").BuildAsync(Token);
    }

    private Task<LocalLambdaServer> StartAsync(RuntimeProcessOptions process) => LocalLambdaServer.StartAsync(
        s => s.AddFunction("f", process with
        {
            RestartOnChange = true,
            OutputReceived = line =>
            {
                lock (_output) _output.Append(line).Append('\n');
            },
        }),
        Token).WaitAsync(Limit, Token);

    private static void Edit(string path, string oldText, string newText)
    {
        var text = File.ReadAllText(path);
        Assert.Contains(oldText, text);
        File.WriteAllText(path, text.Replace(oldText, newText, StringComparison.Ordinal));
    }

    private static async Task<string> InvokeAsync(LambdaStreamingClient client, string payload)
    {
        var request = InvokeWithResponseStreamRequest.FromJson("f", payload);
        await using var response = await client.InvokeWithResponseStreamAsync(request, Token).WaitAsync(Limit, Token);
        var text = "";
        await foreach (var chunk in response.ReadOwnedChunksAsync(Token))
            text += Encoding.UTF8.GetString(chunk.Span);
        return text;
    }
}
