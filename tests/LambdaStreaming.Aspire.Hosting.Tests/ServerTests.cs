using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Amazon;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LambdaStreaming.Testing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LambdaStreaming.Aspire.Hosting.Tests;

/// <summary>A server and its functions, started in an AppHost without the orchestrator of Aspire.</summary>
public sealed class ServerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task WithReference_ServerIsRunning_SetsAddressRegionAndCredentials()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer(
            "lambda", options => options.Region = RegionEndpoint.EUCentral1);
        var web = host.Builder.AddExecutable("web", "program", ".").WithReference(lambda);
        await host.StartAsync(lambda);

        var variables = await host.GetEnvironmentAsync(web.Resource);

        var server = await lambda.Resource.GetServerAsync(Token);
        var credentials = await server.Credentials.GetCredentialsAsync();
        Assert.Equal(server.ServiceUrl, new Uri(variables["AWS_ENDPOINT_URL_LAMBDA"]));
        Assert.Equal("eu-central-1", variables["AWS_REGION"]);
        Assert.Equal("eu-central-1", variables["AWS_DEFAULT_REGION"]);
        Assert.Equal(credentials.AccessKey, variables["AWS_ACCESS_KEY_ID"]);
        Assert.Equal(credentials.SecretKey, variables["AWS_SECRET_ACCESS_KEY"]);
        Assert.Equal("", variables["AWS_SESSION_TOKEN"]);
        Assert.Equal("false", variables["AWS_USE_FIPS_ENDPOINT"]);
        Assert.Equal("false", variables["AWS_USE_DUALSTACK_ENDPOINT"]);
        Assert.Equal("false", variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]);
        Assert.Equal(Environment.GetEnvironmentVariable("NO_PROXY") + ",127.0.0.1", variables["NO_PROXY"]);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(Environment.GetEnvironmentVariable("no_proxy") + ",127.0.0.1", variables["no_proxy"]);
        await host.WaitForStateAsync(lambda.Resource, KnownResourceStates.Running);
    }

    [Fact]
    public async Task WithReference_ResourceHasNoProxy_StaysUnchanged()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var web = host.Builder.AddExecutable("web", "program", ".")
            .WithEnvironment("no_proxy", "corp.example").WithReference(lambda);
        await host.StartAsync(lambda);

        var variables = await host.GetEnvironmentAsync(web.Resource);

        Assert.Equal("corp.example", variables["no_proxy"]);
        Assert.DoesNotContain("NO_PROXY", variables.Keys);
    }

    [Fact]
    public async Task WithReference_AppHostHasAProfile_LogHasAWarning()
    {
        await using var host = new TestAppHost();
        host.Builder.Configuration["AWS_PROFILE"] = "dev";
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        host.Builder.AddExecutable("web", "program", ".").WithReference(lambda);

        await host.StartAsync(lambda);

        await host.WaitForLogAsync(lambda.Resource, "AWS_PROFILE");
    }

    [Fact]
    public async Task AddLambdaStreamingServer_PortIsInUse_FailsToStart()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer(
            "lambda", options => options.Port = ((IPEndPoint)listener.LocalEndpoint).Port);
        var chat = lambda.AddFunction("chat", new RuntimeProcessOptions("program"));
        await host.StartAsync(lambda);

        await host.WaitForStateAsync(lambda.Resource, KnownResourceStates.FailedToStart);
        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.FailedToStart);
        await host.WaitForLogAsync(chat.Resource, "did not start");

        await Assert.ThrowsAsync<DistributedApplicationException>(() => lambda.Resource.GetServerAsync(Token));
    }

    [Fact]
    public async Task AddLambdaStreamingServer_WithUrl_KeepsTheUrl()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda").WithUrl("https://example.com/", "Guide");
        await host.StartAsync(lambda);

        var server = await lambda.Resource.GetServerAsync(Token);
        var running = await host.WaitForStateAsync(lambda.Resource, KnownResourceStates.Running);

        Assert.Equal(["https://example.com/", server.ServiceUrl.ToString()], running.Urls.Select(url => url.Url));
    }

    [Fact]
    public async Task WaitFor_FunctionOfTheSameServer_IsReadyAfterIt()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var first = lambda.AddFunction("first", new RuntimeProcessOptions("program"))
            .WithEnvironment(async context => await gate.Task.WaitAsync(context.CancellationToken));
        var second = lambda.AddFunction("second", new RuntimeProcessOptions("program")).WaitFor(first);
        await host.StartAsync(lambda);

        await host.WaitForStateAsync(second.Resource, KnownResourceStates.Waiting);
        Assert.False(second.Resource.IsReady);
        gate.SetResult();
        await host.WaitForStateAsync(second.Resource, KnownResourceStates.Running);

        Assert.True(first.Resource.IsReady);
    }

    [Fact]
    public async Task WaitFor_ServerOfTheFunction_FailsToStart()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", new RuntimeProcessOptions("program")).WaitFor(lambda);
        await host.StartAsync(lambda);

        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.FailedToStart);

        await host.WaitForLogAsync(chat.Resource, "cannot wait for its own server");
        Assert.Contains("cannot wait", (await host.CheckHealthAsync(lambda.Resource)).Description);
    }

    [Fact]
    public async Task WaitForStart_ServerOfTheFunction_IsReady()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", new RuntimeProcessOptions("program")).WaitForStart(lambda);
        await host.StartAsync(lambda);

        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.Running);
    }

    [Fact]
    public async Task AddFunction_WithOtlpExporter_ServiceNameIsThatOfTheResource()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a Unix shell.");
        const string Script = "echo \"service $OTEL_SERVICE_NAME '$OTEL_RESOURCE_ATTRIBUTES'\"; exit 3";
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var process = new RuntimeProcessOptions("/bin/sh") { Arguments = ["-c", Script] };
        var chat = lambda.AddFunction("chat", process).WithOtlpExporter();
        await host.StartAsync(lambda);

        await Assert.ThrowsAsync<FunctionErrorException>(() => InvokeAsync(lambda, "chat"));

        Assert.EndsWith("service chat ''", await host.WaitForLogAsync(chat.Resource, "service "));
    }

    [Fact]
    public async Task AddFunction_Command_RunsWithTheEnvironmentOfTheResourceAndIsLogged()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", Functions.CreateGreeter()).WithEnvironment("COLOR", "green");
        await host.StartAsync(lambda);
        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.Running);

        var text = await InvokeAsync(lambda, "chat");

        Assert.Equal("hello Ada", text);
        Assert.EndsWith("green", await host.WaitForLogAsync(chat.Resource, "process "));
        Assert.Contains("-> chat, 14 B", await host.WaitForLogAsync(lambda.Resource, "->"));
        Assert.Contains("<- chat 200", await host.WaitForLogAsync(lambda.Resource, "<-"));
    }

    [Fact]
    public async Task AddFunction_ProgramIsARelativePath_BeginsAtTheFolderOfTheAppHost()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a Unix shell.");
        var programs = _folder.CreateSubdirectory("bin");
        File.CreateSymbolicLink(Path.Combine(programs.FullName, "sh"), "/bin/sh");
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var process = new RuntimeProcessOptions("bin/sh") { Arguments = ["-c", "exit 3"], TaskRoot = "bin" };
        lambda.AddFunction("chat", process);
        await host.StartAsync(lambda);

        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => InvokeAsync(lambda, "chat"));

        Assert.EndsWith("exit status 3", error.ErrorDetails);
    }

    [Fact]
    public async Task AddFunction_CallBeforeTheEnvironmentIsKnown_RunsWithIt()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", Functions.CreateGreeter()).WithEnvironment(async context =>
        {
            await gate.Task;
            context.EnvironmentVariables["COLOR"] = "green";
        });
        await host.StartAsync(lambda);

        var text = InvokeAsync(lambda, "chat");
        var server = await lambda.Resource.GetServerAsync(Token);
        await server.WaitForRequestAsync(_ => true, Token).WaitAsync(TestAppHost.Limit, Token);
        gate.SetResult();

        Assert.Equal("hello Ada", await text);
        Assert.EndsWith("green", await host.WaitForLogAsync(chat.Resource, "process "));
    }

    [Fact]
    public async Task AddFunction_EnvironmentFails_FailsTheCall()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", Functions.CreateGreeter())
            .WithEnvironment(_ => throw new InvalidOperationException("The color is unknown."));
        await host.StartAsync(lambda);

        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => InvokeAsync(lambda, "chat"));

        Assert.Contains("The color is unknown.", error.ErrorDetails);
        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.FailedToStart);
    }

    [Fact]
    public async Task AddFunction_AssemblyDoesNotExistAtTheStart_IsReadyAfterItWasBuilt()
    {
        const string Configuration = ".runtimeconfig.json";
        var assembly = typeof(ServerTests).Assembly.Location;
        var copy = Path.Combine(_folder.FullName, Path.GetFileName(assembly));
        File.Copy(assembly, copy);
        File.Copy(Path.ChangeExtension(assembly, Configuration), Path.ChangeExtension(copy, Configuration));
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", Path.GetFileName(copy));
        File.Delete(copy);
        await host.StartAsync(lambda);

        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.FailedToStart);
        File.Copy(assembly, copy);
        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.Running);

        Assert.Equal(HealthStatus.Healthy, (await host.CheckHealthAsync(lambda.Resource)).Status);
    }

    [Fact]
    public async Task AddFunction_AnotherFileCannotBeRead_HealthCheckNamesIt()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "Needs an unprivileged user.");
        if (OperatingSystem.IsWindows()) return;
        const string Configuration = ".runtimeconfig.json";
        var assembly = typeof(ServerTests).Assembly.Location;
        var copy = Path.Combine(_folder.FullName, Path.GetFileName(assembly));
        File.Copy(assembly, copy);
        File.Copy(Path.ChangeExtension(assembly, Configuration), Path.ChangeExtension(copy, Configuration));
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", Path.GetFileName(copy));
        File.SetUnixFileMode(copy, UnixFileMode.None);
        await host.StartAsync(lambda);

        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.FailedToStart);
        File.SetUnixFileMode(Path.ChangeExtension(copy, Configuration), UnixFileMode.None);
        File.SetUnixFileMode(copy, UnixFileMode.UserRead);

        Assert.True(SpinWait.SpinUntil(
            () => chat.Resource.Failure!.Contains(Configuration, StringComparison.Ordinal), TestAppHost.Limit));
    }

    [Fact]
    public async Task AddFunction_ProcessHasAnEnvironmentProvider_RunsWithItsVariables()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", Functions.CreateGreeter() with
        {
            EnvironmentProvider = _ => Task.FromResult<IReadOnlyDictionary<string, string?>>(
                new Dictionary<string, string?> { ["COLOR"] = "green" }),
        });
        await host.StartAsync(lambda);

        Assert.Equal("hello Ada", await InvokeAsync(lambda, "chat"));

        Assert.EndsWith("green", await host.WaitForLogAsync(chat.Resource, "process "));
    }

    [Fact]
    public async Task AddFunction_OutputBeforeTheServerIsRunning_IsLogged()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", new RuntimeProcessOptions("program"));
        host.Builder.Eventing.Subscribe<BeforeResourceStartedEvent>(lambda.Resource, (_, _) =>
        {
            chat.Resource.OutputReceived?.Invoke("the first line");
            return Task.CompletedTask;
        });

        await host.StartAsync(lambda);
        await host.WaitForStateAsync(lambda.Resource, KnownResourceStates.Running);
        chat.Resource.OutputReceived?.Invoke("the last line");

        Assert.Contains("the first line", await host.WaitForLogAsync(chat.Resource, " line"));
    }

    [Fact]
    public async Task StopAsync_ProcessIsIdle_KillsIt()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", Functions.CreateGreeter());
        await host.StartAsync(lambda);
        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.Running);
        await InvokeAsync(lambda, "chat");
        var line = await host.WaitForLogAsync(chat.Resource, "process ");
        var id = int.Parse(line.TrimEnd().Split(' ')[^1], CultureInfo.InvariantCulture);
        using var process = System.Diagnostics.Process.GetProcessById(id);

        await host.StopAsync();

        await process.WaitForExitAsync(Token).WaitAsync(TestAppHost.Limit, Token);
    }

    [Fact]
    public async Task DisposeAsync_WithoutStop_StopsTheServer()
    {
        var started = new TaskCompletionSource<CancellationToken>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda", options => options.AddFunction(
            "endless",
            async (_, _, cancellationToken) =>
            {
                started.SetResult(cancellationToken);
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }));
        await host.StartAsync(lambda);
        var call = InvokeAsync(lambda, "endless");
        var stopping = await started.Task.WaitAsync(TestAppHost.Limit, Token);

        await host.DisposeAsync();

        Assert.True(stopping.IsCancellationRequested);
        await Assert.ThrowsAnyAsync<LambdaStreamingException>(() => call.WaitAsync(TestAppHost.Limit, Token));
    }

    [Fact]
    public async Task StopAsync_CallbackOfASubscriberThrows_StopsTheServer()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda", options => options.AddFunction("chat"));
        lambda.OnBeforeResourceStarted((_, _, token) =>
        {
            token.Register(() => throw new InvalidOperationException());
            return Task.CompletedTask;
        });
        await host.StartAsync(lambda);
        var server = await lambda.Resource.GetServerAsync(Token);

        await host.StopAsync();

        using var client = new TcpClient();
        await Assert.ThrowsAsync<SocketException>(
            async () => await client.ConnectAsync(IPAddress.Loopback, server.ServiceUrl.Port, Token));
    }

    [Fact]
    public async Task WaitForRequestAsync_AfterTheLogLine_ReturnsTheFirstRequest()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda", options => options.AddFunction("chat"));
        await host.StartAsync(lambda);
        var server = await lambda.Resource.GetServerAsync(Token);
        await InvokeAsync(lambda, "chat");
        await host.WaitForLogAsync(lambda.Resource, "->");

        var waiting = server.WaitForRequestAsync(Token);

        Assert.True(waiting.IsCompleted);
        Assert.Same(server.Requests[0], await waiting);
    }

    [Fact]
    public async Task OnEveryCall_FaultIsAddedBeforeTheStart_TruncatesTheResponse()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        lambda.AddFunction("chat", Functions.CreateGreeter());
        lambda.Function("chat").OnEveryCall().TruncateAfterChunks(2, TruncationMode.Close);
        await host.StartAsync(lambda);

        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => InvokeAsync(lambda, "chat"));

        // The last behavior applies.
        lambda.Function("chat").OnEveryCall();
        Assert.Equal("hello Ada", await InvokeAsync(lambda, "chat"));
    }

    [Fact]
    public async Task AddNodeFunction_File_RunsWithTheRuntimeInterfaceClient()
    {
        Functions.SkipWithoutNode();
        var client = _folder.CreateSubdirectory("node_modules/aws-lambda-ric");
        File.Copy(Functions.Node, Path.Combine(client.FullName, "index.mjs"));
        await File.WriteAllTextAsync(Path.Combine(client.FullName, "rapid-client.node"), "", Token);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "chat.mjs"), "", Token);
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        lambda.AddNodeFunction("chat", "chat.mjs");
        await host.StartAsync(lambda);

        Assert.Equal("hello Ada", await InvokeAsync(lambda, "chat"));
    }

    [Fact]
    public async Task AddFunction_ProjectHasAnError_IsUnhealthyUntilTheErrorIsCorrected()
    {
        Nightly.SkipUnlessRequested("Builds projects.");
        var project = DotNetFunctions.CopyTo(_folder.FullName);
        var file = Path.Combine(project, "Program.cs");
        var code = await File.ReadAllTextAsync(file, Token);
        var wrong = code.Replace("version one", "version two\";", StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, wrong, Token);
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var chat = lambda.AddFunction("chat", "Chat");
        await host.StartAsync(lambda);

        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.FailedToStart);
        var health = await host.CheckHealthAsync(lambda.Resource);
        Assert.Equal(HealthStatus.Unhealthy, health.Status);
        Assert.Contains("error CS", health.Description);
        await host.WaitForLogAsync(chat.Resource, "error CS");

        await File.WriteAllTextAsync(file, code, Token);
        await host.WaitForStateAsync(chat.Resource, KnownResourceStates.Running);
        Assert.Equal(HealthStatus.Healthy, (await host.CheckHealthAsync(lambda.Resource)).Status);
        Assert.StartsWith("version one", await InvokeAsync(lambda, "chat"));
    }

    private static async Task<string> InvokeAsync(
        IResourceBuilder<LambdaStreamingServerResource> lambda, string function)
    {
        var server = await lambda.Resource.GetServerAsync(Token);
        using var client = server.CreateClient(options => options.ResponseHeadersTimeout = TestAppHost.Limit);
        var text = client.InvokeTextAsync(function, """{"name":"Ada"}""", cancellationToken: Token);
        return string.Concat(await text.ToListAsync(Token));
    }
}
