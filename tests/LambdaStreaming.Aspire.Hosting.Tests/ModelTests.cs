using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LambdaStreaming.Testing;
using LambdaStreaming.Testing.RuntimeApi;
using LambdaStreaming.Tool.Serve;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LambdaStreaming.Aspire.Hosting.Tests;

/// <summary>The resources of an AppHost, before it is started.</summary>
public sealed class ModelTests : IDisposable
{
    private static readonly string[] PublishArguments = ["--operation", "publish", "--publisher", "manifest"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task AddFunction_RelativePath_BeginsAtTheFolderOfTheAppHost()
    {
        DotNetFunctions.CopyTo(_folder.FullName);
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        var chat = lambda.AddFunction("chat", "Chat");

        Assert.Same(lambda.Resource, chat.Resource.Parent);
        Assert.Same(chat.Resource, lambda.Resource.Functions["chat"]);
        Assert.Same(chat.Resource.Function, lambda.Function("chat"));
        Assert.Contains(chat.Resource, host.Builder.Resources);
    }

    [Fact]
    public async Task AddFunction_OnAServer_IsShownBelowIt()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        var chat = lambda.AddFunction("chat", new RuntimeProcessOptions("program"));

        var relationship = Assert.Single(chat.Resource.Annotations.OfType<ResourceRelationshipAnnotation>());
        Assert.Equal("Parent", relationship.Type);
        Assert.Same(lambda.Resource, relationship.Resource);
    }

    // An IResourceWithParent would add a wait for the server, which is healthy only after all functions are ready.
    [Fact]
    public async Task WaitFor_Function_WaitsForThisFunctionOnly()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var (first, second) = (Add("first"), Add("second"));
        var web = host.Builder.AddExecutable("web", "program", ".");

        second.WaitFor(first);
        web.WaitFor(first);

        Assert.Same(first.Resource, Assert.Single(second.Resource.Annotations.OfType<WaitAnnotation>()).Resource);
        Assert.Same(first.Resource, Assert.Single(web.Resource.Annotations.OfType<WaitAnnotation>()).Resource);
        Assert.False(first.Resource.HasAnnotationIncludingAncestorsOfType<HealthCheckAnnotation>());

        IResourceBuilder<LambdaStreamingFunctionResource> Add(string name) =>
            lambda.AddFunction(name, new RuntimeProcessOptions("program"));
    }

    [Fact]
    public async Task AddFunction_PathDoesNotExist_ThrowsFunctionBuildException()
    {
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        var exception = Assert.Throws<FunctionBuildException>(() => lambda.AddFunction("chat", "Missing"));

        Assert.Contains(Path.Combine(_folder.FullName, "Missing"), exception.Message);
        Assert.Empty(lambda.Resource.Functions);
    }

    [Fact]
    public async Task AddFunction_NameIsUsed_ThrowsDistributedApplicationException()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        lambda.AddFunction("chat", new RuntimeProcessOptions("program"));

        Assert.Throws<DistributedApplicationException>(
            () => lambda.AddFunction("chat", new RuntimeProcessOptions("program")));
    }

    [Fact]
    public async Task AddFunction_NameHasAnUnderscore_IsOnlyAcceptedWithoutAResource()
    {
        await using var host = new TestAppHost();
        var process = new RuntimeProcessOptions("program");
        var lambda = host.Builder.AddLambdaStreamingServer(
            "lambda", options => options.AddFunction("order_events", process));

        Assert.Throws<ArgumentException>(() => lambda.AddFunction("order_events", process));
        Assert.Empty(lambda.Resource.Functions);
    }

    [Fact]
    public async Task AddNodeFunction_FileDoesNotExist_ThrowsDistributedApplicationException()
    {
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        Assert.Throws<DistributedApplicationException>(() => lambda.AddNodeFunction("chat", "missing.mjs"));
    }

    [Theory]
    [InlineData("story.v2.mjs")]
    [InlineData("story.ts")]
    public async Task AddNodeFunction_FileCannotBeAModuleOfAHandler_ThrowsDistributedApplicationException(string file)
    {
        await File.WriteAllTextAsync(
            Path.Combine(_folder.FullName, file), "", TestContext.Current.CancellationToken);
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        var exception = Assert.Throws<DistributedApplicationException>(() => lambda.AddNodeFunction("story", file));

        Assert.Contains(NodeFile.FindProblem(Path.Combine(_folder.FullName, file))!, exception.Message);
    }

    [Fact]
    public async Task AddNodeFunction_PackageWouldLoadAnotherFile_ThrowsDistributedApplicationException()
    {
        var file = Path.Combine(_folder.FullName, "story.mjs");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        _folder.CreateSubdirectory("story");
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        var exception = Assert.Throws<DistributedApplicationException>(
            () => lambda.AddNodeFunction("story", "story.mjs"));

        Assert.Contains(NodeFile.FindProblem(file)!, exception.Message);
    }

    [Fact]
    public async Task AddNodeFunction_PackageIsMissingInAFolderWithASpace_CommandIsQuoted()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Checks the quotation marks of a Unix shell.");
        Functions.SkipWithoutNode();
        var folder = _folder.CreateSubdirectory("my functions").FullName;
        Assert.SkipUnless(
            RuntimeInterfaceClient.FindInstalled(folder, ExecutablePath.Find("node")!) is null,
            "The package is installed.");
        await File.WriteAllTextAsync(
            Path.Combine(folder, "chat.mjs"), "", TestContext.Current.CancellationToken);
        await using var host = new TestAppHost(folder);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        var exception = Assert.Throws<DistributedApplicationException>(
            () => lambda.AddNodeFunction("chat", "chat.mjs"));

        Assert.EndsWith($"npm install --prefix '{folder}' aws-lambda-ric", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddNodeFunction_PackageHasNoNativePart_MessageNamesTheMissingFile()
    {
        Functions.SkipWithoutNode();
        var package = _folder.CreateSubdirectory("node_modules/aws-lambda-ric").FullName;
        await File.WriteAllTextAsync(Path.Combine(package, "index.mjs"), "", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(_folder.FullName, "chat.mjs"), "", TestContext.Current.CancellationToken);
        Assert.SkipUnless(
            RuntimeInterfaceClient.Find(_folder.Parent!.FullName, ExecutablePath.Find("node")!) is null,
            "The package is installed in another folder.");
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        var exception = Assert.Throws<DistributedApplicationException>(
            () => lambda.AddNodeFunction("chat", "chat.mjs"));

        Assert.Contains(Path.Combine(package, "rapid-client.node"), exception.Message);
    }

    [Fact]
    public async Task AddNodeFunction_PublishMode_RequiresNeitherFileNorNode()
    {
        await using var host = new TestAppHost(_folder.FullName, PublishArguments);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        var chat = lambda.AddNodeFunction("chat", "missing.mjs");

        Assert.Same(chat.Resource, lambda.Resource.Functions["chat"]);
        Assert.Contains(ManifestPublishingCallbackAnnotation.Ignore, chat.Resource.Annotations);
    }

    [Fact]
    public async Task AddFunction_PublishMode_DoesNotRequireTheBuiltFile()
    {
        await using var host = new TestAppHost(_folder.FullName, PublishArguments);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        var chat = lambda.AddFunction("chat", "Missing.dll");

        Assert.Same(chat.Resource, lambda.Resource.Functions["chat"]);
    }

    [Fact]
    public async Task HealthCheck_FunctionsInEachState_IsHealthyIfAllAreReady()
    {
        DotNetFunctions.CopyTo(_folder.FullName);
        await using var host = new TestAppHost(_folder.FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var (first, second) = (lambda.AddFunction("first", "Chat"), lambda.AddFunction("second", "Chat"));
        var check = new FunctionsHealthCheck(lambda.Resource);

        first.Resource.SetFailed("The project is invalid.");
        var failed = await CheckAsync();
        (first.Resource.IsReady, second.Resource.IsReady) = (true, true);
        var ready = await CheckAsync();

        Assert.Equal(HealthStatus.Unhealthy, failed.Status);
        Assert.Equal("The project is invalid.\nThe function second is not built yet.", failed.Description);
        Assert.Equal((HealthStatus.Healthy, "2 functions are ready."), (ready.Status, ready.Description));

        Task<HealthCheckResult> CheckAsync() =>
            check.CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Function_UnknownName_ThrowsArgumentException()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        Assert.Throws<ArgumentException>(() => lambda.Function("chat"));
    }

    [Fact]
    public async Task WithReference_AnotherServer_ThrowsDistributedApplicationException()
    {
        await using var host = new TestAppHost();
        var (first, second) =
            (host.Builder.AddLambdaStreamingServer("first"), host.Builder.AddLambdaStreamingServer("second"));
        var web = host.Builder.AddExecutable("web", "program", ".").WithReference(first).WithReference(first);

        var exception = Assert.Throws<DistributedApplicationException>(() => web.WithReference(second));

        Assert.Contains("first", exception.Message);
        Assert.Contains("second", exception.Message);
        Assert.False(second.Resource.IsReferenced);
    }

    [Theory]
    [InlineData("""{{- index .Annotations "otel-service-name" -}}""", "chat")]
    [InlineData("""service.instance.id={{- index .Annotations "otel-service-instance-id" -}}""", "")]
    [InlineData("""a=1,service.instance.id={{- index .Annotations "otel-service-instance-id" -}},b=2""", "a=1,b=2")]
    [InlineData("a=1,{{b}}", "a=1,{{b}}")]
    public void Resolve_TelemetryVariable_HasNoTemplateOfTheOrchestrator(string value, string expected) =>
        Assert.Equal(expected, TelemetryVariables.Resolve(value, "chat"));

    [Fact]
    public async Task WithReference_PublishMode_SetsNoVariables()
    {
        await using var host = new TestAppHost(null, PublishArguments);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        var web = host.Builder.AddExecutable("web", "program", ".").WithReference(lambda);

        Assert.Empty(await host.GetEnvironmentAsync(web.Resource));
        Assert.Contains(ManifestPublishingCallbackAnnotation.Ignore, lambda.Resource.Annotations);
    }
}
