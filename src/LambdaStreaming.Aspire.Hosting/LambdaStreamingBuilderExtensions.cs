using Aspire.Hosting.ApplicationModel;
using LambdaStreaming.Aspire.Hosting;
using LambdaStreaming.Testing;
using LambdaStreaming.Testing.RuntimeApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>Adds AWS Lambda functions with response streaming to an AppHost.</summary>
public static class LambdaStreamingBuilderExtensions
{
    /// <summary>Adds a local server for AWS Lambda, which runs in the AppHost.</summary>
    /// <param name="builder">The builder of the AppHost.</param>
    /// <param name="name">The name of the resource.</param>
    /// <param name="configure">
    /// Sets the port, limits and other options of the server, or null. Two defaults differ here:
    /// <c>MaxRecordedRequests</c> is 100, and <c>BuildFunctionsAtStart</c> is false, because functions that are
    /// resources are built after the start. Functions that this callback adds are not resources: keep the results of
    /// its <c>AddFunction</c>.
    /// </param>
    /// <returns>The builder of the resource, to add functions.</returns>
    /// <remarks>
    /// The server listens on 127.0.0.1. It is not part of a deployment: in publish mode,
    /// <see cref="WithReference{TDestination}"/> does not set any variable, and the app calls AWS.
    /// </remarks>
    /// <exception cref="ArgumentException">The name is not valid in Aspire, for example <c>a_b</c>.</exception>
    public static IResourceBuilder<LambdaStreamingServerResource> AddLambdaStreamingServer(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        Action<LocalLambdaServerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var resource = new LambdaStreamingServerResource(name);
        configure?.Invoke(resource.Options);
        var healthCheck = $"{name}_functions";
        builder.Services.AddHealthChecks().Add(
            new HealthCheckRegistration(healthCheck, new FunctionsHealthCheck(resource), null, null));
        // The container disposes only what it has created.
        builder.Services.AddKeyedSingleton(name, (_, _) => new ServerLifetime(resource));
        builder.Services.AddSingleton<IHostedService>(
            services => services.GetRequiredKeyedService<ServerLifetime>(name));
        return builder.AddResource(resource)
            .ExcludeFromManifest()
            .WithHealthCheck(healthCheck)
            .WithInitialState(CreateInitialState("LambdaServer", []))
            .OnInitializeResource((_, start, _) =>
            {
                start.Services.GetRequiredKeyedService<ServerLifetime>(name).Start(start);
                return Task.CompletedTask;
            });
    }

    /// <summary>Adds a .NET function that is a project of the solution.</summary>
    /// <typeparam name="TProject">
    /// The project, for example <c>Projects.Chat</c>. The AppHost must have a reference to it.
    /// </typeparam>
    /// <param name="builder">The server.</param>
    /// <param name="name">The name of the function and of its resource.</param>
    /// <param name="handler">
    /// For a class library: <c>Assembly::Namespace.Type::Method</c>. An executable project does not require a handler.
    /// </param>
    /// <exception cref="FunctionBuildException">
    /// The project does not exist. It is not required in publish mode.
    /// </exception>
    /// <exception cref="ArgumentException">The name is not valid in Aspire, for example <c>a_b</c>.</exception>
    /// <exception cref="DistributedApplicationException">A resource of that name exists.</exception>
    public static IResourceBuilder<LambdaStreamingFunctionResource> AddFunction<TProject>(
        this IResourceBuilder<LambdaStreamingServerResource> builder,
        [ResourceName] string name,
        string? handler = null)
        where TProject : IProjectMetadata, new() =>
        AddFunction(builder, name, new TProject().ProjectPath, handler);

    /// <summary>Adds a .NET function.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The name of the function and of its resource.</param>
    /// <param name="path">
    /// A project file or its folder, a built <c>.dll</c>, or an executable. A relative path begins at the folder of
    /// the AppHost.
    /// </param>
    /// <param name="handler">
    /// For a class library: <c>Assembly::Namespace.Type::Method</c>. An executable project does not require a handler.
    /// </param>
    /// <remarks>The project is built at the start, and again by the first call after a change of its files.</remarks>
    /// <exception cref="FunctionBuildException">
    /// The path does not exist, or is not a .NET program. It is not required in publish mode.
    /// </exception>
    /// <exception cref="ArgumentException">The name is not valid in Aspire, for example <c>a_b</c>.</exception>
    /// <exception cref="DistributedApplicationException">A resource of that name exists.</exception>
    public static IResourceBuilder<LambdaStreamingFunctionResource> AddFunction(
        this IResourceBuilder<LambdaStreamingServerResource> builder,
        [ResourceName] string name,
        string path,
        string? handler = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var fullPath = builder.GetFullPath(path);
        var process = builder.CreateProcess(
            fullPath, () => RuntimeProcessOptions.DotNet(fullPath, handler) with { RestartOnChange = true });
        return builder.Add(name, process, fullPath);
    }

    /// <summary>Adds a Node.js function, which AWS's runtime interface client runs.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The name of the function and of its resource.</param>
    /// <param name="file">
    /// The <c>.mjs</c>, <c>.js</c> or <c>.cjs</c> file. A relative path begins at the folder of the AppHost.
    /// </param>
    /// <param name="export">The exported handler.</param>
    /// <remarks>
    /// The npm package <c>aws-lambda-ric</c>, version 4 or later, is required. It is searched in the
    /// <c>node_modules</c> folders of the file's folder, the current folder and their parent folders. The last place is
    /// <c>lib/node_modules</c> next to the <c>bin</c> folder of node. The first call after a change of a file uses a
    /// new process.
    /// </remarks>
    /// <exception cref="ArgumentException">The name is not valid in Aspire, for example <c>a_b</c>.</exception>
    /// <exception cref="DistributedApplicationException">
    /// The file, Node.js or the package was not found. The file is not JavaScript, its name has a second dot, or the
    /// package would load another file of that name. In publish mode, this is not checked. Or a resource of that name
    /// exists.
    /// </exception>
    public static IResourceBuilder<LambdaStreamingFunctionResource> AddNodeFunction(
        this IResourceBuilder<LambdaStreamingServerResource> builder,
        [ResourceName] string name,
        string file,
        string export = "handler")
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(file);
        ArgumentException.ThrowIfNullOrWhiteSpace(export);
        var fullPath = builder.GetFullPath(file);
        var process = builder.CreateProcess(
            fullPath, () => NodeFunction.CreateProcess(name, fullPath, export));
        return builder.Add(name, process, fullPath);
    }

    /// <summary>Adds a function in any program that uses the Lambda Runtime API.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The name of the function and of its resource.</param>
    /// <param name="process">
    /// The command. A relative <see cref="RuntimeProcessOptions.TaskRoot"/> begins at the folder of the AppHost, and so
    /// does a <see cref="RuntimeProcessOptions.FileName"/> that is a relative path.
    /// </param>
    /// <exception cref="ArgumentException">The name is not valid in Aspire, for example <c>a_b</c>.</exception>
    /// <exception cref="DistributedApplicationException">A resource of that name exists.</exception>
    public static IResourceBuilder<LambdaStreamingFunctionResource> AddFunction(
        this IResourceBuilder<LambdaStreamingServerResource> builder,
        [ResourceName] string name,
        RuntimeProcessOptions process)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(process);
        var resolved = process with
        {
            FileName = ExecutablePath.IsPath(process.FileName)
                ? builder.GetFullPath(process.FileName)
                : process.FileName,
            TaskRoot = builder.GetFullPath(process.TaskRoot),
        };
        return builder.Add(name, resolved, string.Join(' ', [process.FileName, .. process.Arguments]));
    }

    /// <summary>Returns a function of the server, to set its limits and inject faults.</summary>
    /// <param name="builder">The server.</param>
    /// <param name="name">The name of a function that was added to this server as a resource.</param>
    /// <remarks>Faults can be added before and after the start of the AppHost.</remarks>
    /// <exception cref="ArgumentException">The server does not have a function of that name.</exception>
    public static LocalFunction Function(this IResourceBuilder<LambdaStreamingServerResource> builder, string name)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var functions = builder.Resource.Functions;
        if (functions.TryGetValue(name, out var function)) return function.Function;
        var names = functions.Count == 0 ? "It does not have any" : $"It has: {string.Join(", ", functions.Keys)}";
        throw new ArgumentException(
            $"The Lambda server {builder.Resource.Name} does not have a function {name}. {names}.", nameof(name));
    }

    /// <summary>Lets a project or an executable call the functions of the server.</summary>
    /// <param name="builder">The resource that calls functions.</param>
    /// <param name="lambda">The server.</param>
    /// <remarks>
    /// <para>
    /// Sets <c>AWS_ENDPOINT_URL_LAMBDA</c>, <c>AWS_REGION</c>, <c>AWS_DEFAULT_REGION</c>, <c>AWS_ACCESS_KEY_ID</c> and
    /// <c>AWS_SECRET_ACCESS_KEY</c>, and <c>AWS_SESSION_TOKEN</c> to the token of the server's credentials or an empty
    /// value. All AWS SDKs read them. They also replace the credentials for other AWS services.
    /// Sets <c>AWS_USE_FIPS_ENDPOINT</c>, <c>AWS_USE_DUALSTACK_ENDPOINT</c> and
    /// <c>AWS_IGNORE_CONFIGURED_ENDPOINT_URLS</c> to <c>false</c>. Adds <c>127.0.0.1</c> to the inherited
    /// <c>NO_PROXY</c>, unless the resource sets that variable.
    /// </para>
    /// <para>
    /// If the AppHost has the variable <c>AWS_PROFILE</c>, its apps inherit it. The AWS SDK for JavaScript then uses
    /// the profile instead of these credentials. For an app in JavaScript, start the AppHost without that variable.
    /// </para>
    /// </remarks>
    /// <exception cref="DistributedApplicationException">
    /// The resource has a reference to another server. The variables name one server only.
    /// </exception>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<LambdaStreamingServerResource> lambda)
        where TDestination : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(lambda);
        var references = builder.Resource.Annotations.OfType<ServerReferenceAnnotation>();
        if (references.FirstOrDefault(reference => reference.Server != lambda.Resource) is { } other)
        {
            throw new DistributedApplicationException(
                $"The resource {builder.Resource.Name} already has a reference to the Lambda server "
                + $"{other.Server.Name}, so it cannot have one to {lambda.Resource.Name}. "
                + "Add all functions that it calls to one server.");
        }

        lambda.Resource.IsReferenced = true;
        return builder
            .WithAnnotation(new ServerReferenceAnnotation(lambda.Resource))
            .WithReferenceRelationship(lambda.Resource)
            .WithEnvironment(context => ServerReference.ApplyAsync(context, lambda.Resource));
    }

    // A deployment does not contain the function, so the machine that publishes requires neither its files nor Node.js.
    private static RuntimeProcessOptions CreateProcess(
        this IResourceBuilder<LambdaStreamingServerResource> builder,
        string fullPath,
        Func<RuntimeProcessOptions> createProcess) =>
        builder.ApplicationBuilder.ExecutionContext.IsPublishMode
            ? new RuntimeProcessOptions(fullPath)
            : createProcess();

    private static IResourceBuilder<LambdaStreamingFunctionResource> Add(
        this IResourceBuilder<LambdaStreamingServerResource> builder,
        string name,
        RuntimeProcessOptions process,
        string program)
    {
        var function = new LambdaStreamingFunctionResource(name, builder.Resource, process);
        var added = builder.ApplicationBuilder.AddResource(function)
            .ExcludeFromManifest()
            .WithParentRelationship(builder.Resource)
            .WithInitialState(
                CreateInitialState("LambdaFunction", [new(CustomResourceKnownProperties.Source, program)]));
        builder.Resource.Add(function);
        return added;
    }

    private static string GetFullPath(this IResourceBuilder<LambdaStreamingServerResource> builder, string path) =>
        Path.GetFullPath(path, builder.ApplicationBuilder.AppHostDirectory);

    private static CustomResourceSnapshot CreateInitialState(
        string resourceType, IEnumerable<ResourcePropertySnapshot> properties) => new()
        {
            ResourceType = resourceType,
            Properties = [.. properties],
            State = KnownResourceStates.NotStarted,
        };
}
