using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming.Aspire.Hosting.Tests;

/// <summary>An AppHost without the orchestrator of Aspire, which starts only the servers.</summary>
internal sealed class TestAppHost : IAsyncDisposable
{
    // Only a hang exceeds it: a build takes seconds, on a busy machine minutes.
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private DistributedApplication? _app;
    private BackgroundService? _healthChecks;

    public TestAppHost(string? folder = null, params string[] arguments) =>
        Builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = arguments,
            DisableDashboard = true,
            ProjectDirectory = folder,
        });

    public IDistributedApplicationBuilder Builder { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IServiceProvider Services => _app!.Services;

    private ResourceNotificationService Notifications => Services.GetRequiredService<ResourceNotificationService>();

    private ResourceLoggerService Logs => Services.GetRequiredService<ResourceLoggerService>();

    /// <summary>Starts a server and its functions.</summary>
    public async Task StartAsync(IResourceBuilder<LambdaStreamingServerResource> lambda)
    {
        _app = Builder.Build();
        var eventing = Services.GetRequiredService<IDistributedApplicationEventing>();
        // The orchestrator starts with these steps.
        var urls = lambda.Resource.Annotations.OfType<ResourceUrlAnnotation>()
            .Select(url => new UrlSnapshot(null, url.Url, IsInternal: false));
        await Notifications.PublishUpdateAsync(lambda.Resource, state => state with { Urls = [.. urls] });
        eventing.Subscribe<BeforeResourceStartedEvent>(
            (started, token) => Notifications.WaitForDependenciesAsync(started.Resource, token));
        if (Builder.Resources.Any(resource => resource.HasAnnotationOfType<WaitAnnotation>()))
            await StartHealthChecksAsync();
        await eventing.PublishAsync(
            new InitializeResourceEvent(lambda.Resource, eventing, Logs, Notifications, Services), Token);
    }

    /// <summary>Stops the servers, as the end of the AppHost does.</summary>
    public async Task StopAsync()
    {
        // The other hosted services require the orchestrator.
        foreach (var resource in Builder.Resources.OfType<LambdaStreamingServerResource>())
        {
            var lifetime = Services.GetRequiredKeyedService<ServerLifetime>(resource.Name);
            await lifetime.StopAsync(CancellationToken.None);
        }
    }

    public async Task<CustomResourceSnapshot> WaitForStateAsync(IResource resource, string state)
    {
        var update = await Notifications.WaitForResourceAsync(
            resource.Name, update => update.Snapshot.State?.Text == state, Token).WaitAsync(Limit, Token);
        return update.Snapshot;
    }

    public async Task<HealthReportEntry> CheckHealthAsync(LambdaStreamingServerResource resource)
    {
        var name = resource.Annotations.OfType<HealthCheckAnnotation>().Single().Key;
        var service = Services.GetRequiredService<HealthCheckService>();
        return (await service.CheckHealthAsync(check => check.Name == name, Token)).Entries[name];
    }

    /// <summary>Waits for a line in the log of a resource.</summary>
    public async Task<string> WaitForLogAsync(IResource resource, string text)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Limit);
        await foreach (var lines in Logs.WatchAsync(resource).WithCancellation(limit.Token))
        {
            foreach (var line in lines)
            {
                if (line.Content.Contains(text, StringComparison.Ordinal)) return line.Content;
            }
        }

        throw new InvalidOperationException($"The log of {resource.Name} ended.");
    }

    public async Task<Dictionary<string, string>> GetEnvironmentAsync(IResource resource)
    {
        var configuration = await ExecutionConfigurationBuilder.Create(resource).WithEnvironmentVariablesConfig()
            .BuildAsync(Builder.ExecutionContext, NullLogger.Instance, Token).WaitAsync(Limit, Token);
        if (configuration.Exception is { } exception) throw exception;
        return configuration.EnvironmentVariables.ToDictionary(StringComparer.Ordinal);
    }

    /// <summary>Disposes the AppHost. The servers also end if they were not stopped.</summary>
    public async ValueTask DisposeAsync()
    {
        _healthChecks?.Dispose();
        if (_app is not null) await _app.DisposeAsync();
    }

    // WaitFor requires this service of Aspire. It is internal, and the other hosted services require the orchestrator.
    private async Task StartHealthChecksAsync()
    {
        var service = Builder.Services.Single(
            service => service.ImplementationType?.Name == "ResourceHealthCheckService").ImplementationType!;
        _healthChecks = (BackgroundService)ActivatorUtilities.CreateInstance(Services, service);
        await _healthChecks.StartAsync(Token);
    }
}
