using System.Runtime.CompilerServices;
using Aspire.Hosting.ApplicationModel;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool.Serve;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Aspire.Hosting;

/// <summary>Runs the server of a resource from the start of the AppHost to its end.</summary>
/// <remarks>A test can dispose the AppHost without stopping it.</remarks>
internal sealed class ServerLifetime(LambdaStreamingServerResource resource) : IHostedService, IAsyncDisposable
{
    // It is not disposed, because StopAsync can follow DisposeAsync. It has neither a timer nor a wait handle.
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    private TimeProvider TimeProvider => resource.Options.TimeProvider;

    /// <summary>Starts the server and its functions in the background.</summary>
    public void Start(InitializeResourceEvent start) => _running = RunAsync(start);

    // The resource is started by its own event, when the other resources are.
    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Stops the builds, the server and the processes of the functions.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        // A callback of a subscriber of BeforeResourceStartedEvent might throw.
        await _stopping.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None).ConfigureAwait(false);

    private async Task RunAsync(InitializeResourceEvent start)
    {
        FunctionLifetime[] functions =
            [.. resource.Functions.Values.Select(function => new FunctionLifetime(function, start, TimeProvider))];
        // The server accepts calls as soon as it has started.
        foreach (var function in functions) function.LogOutput();
        if (await StartServerAsync(start, functions).ConfigureAwait(false) is not { } server) return;
        await using var _ = server.ConfigureAwait(false);
        await SetRunningAsync(server, start).ConfigureAwait(false);

        var lifetimes = functions.Select(function => function.StartAsync(_stopping.Token));
        await Task.WhenAll([LogRequestsAsync(server, start.Logger), .. lifetimes])
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Starts the server.</summary>
    /// <returns><see langword="null"/> if it did not start, or the AppHost ends.</returns>
    private async Task<LocalLambdaServer?> StartServerAsync(
        InitializeResourceEvent start, FunctionLifetime[] functions)
    {
        try
        {
            await start.Eventing.PublishAsync(
                new BeforeResourceStartedEvent(resource, start.Services), _stopping.Token).ConfigureAwait(false);
            return await LocalLambdaServer.StartAsync(resource.Options, _stopping.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The dashboard shows why a resource did not start. The AppHost continues to run.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            var failure = resource.SetFailed(exception);
            if (_stopping.IsCancellationRequested) return null;
            start.Logger.StartFailed(exception.Message);
            await start.Notifications.PublishUpdateAsync(
                resource, state => state with { State = KnownResourceStates.FailedToStart }).ConfigureAwait(false);
            foreach (var function in functions) await function.SetFailedAsync(failure).ConfigureAwait(false);
            return null;
        }
    }

    private Task SetRunningAsync(LocalLambdaServer server, InitializeResourceEvent start)
    {
        resource.SetStarted(server);
        start.Logger.ServerStarted(server.ServiceUrl);
        var profile = start.Services.GetRequiredService<IConfiguration>()["AWS_PROFILE"];
        if (resource.IsReferenced && !string.IsNullOrWhiteSpace(profile)) start.Logger.ProfileIsInherited();
        return start.Notifications.PublishUpdateAsync(resource, state => state with
        {
            State = KnownResourceStates.Running,
            StartTimeStamp = TimeProvider.GetUtcNow().UtcDateTime,
            // The AppHost can have added URLs with WithUrl.
            Urls = [.. state.Urls, new("service", server.ServiceUrl.ToString(), IsInternal: false)],
        });
    }

    private async Task LogRequestsAsync(LocalLambdaServer server, ILogger log)
    {
        // A test can wait for requests, too. The overload without a predicate returns each request to one caller only.
        var logged = new ConditionalWeakTable<ReceivedRequest, object?>();
        while (true)
        {
            var request = await server.WaitForRequestAsync(request => logged.TryAdd(request, null), _stopping.Token)
                .ConfigureAwait(false);
            log.RequestStarted(RequestText.FormatStart(request));
            _ = LogEndAsync(request, log);
        }
    }

    private async Task LogEndAsync(ReceivedRequest request, ILogger log)
    {
        await request.Completed.WaitAsync(_stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // The server aborts the remaining requests when it stops.
        if (_stopping.IsCancellationRequested) return;
        var (text, isSuccess) = RequestText.FormatEnd(request, TimeProvider.GetUtcNow() - request.ReceivedAt);
        if (isSuccess) log.RequestCompleted(text);
        else log.RequestFailed(text);
    }
}
