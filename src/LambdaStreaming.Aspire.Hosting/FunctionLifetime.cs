using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LambdaStreaming.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Aspire.Hosting;

/// <summary>Prepares a function for calls, and reports its state and its output.</summary>
internal sealed class FunctionLifetime(
    LambdaStreamingFunctionResource resource, InitializeResourceEvent start, TimeProvider timeProvider)
{
    // A failed build is repeated after a file has changed. Comparing the files takes some milliseconds.
    private static readonly TimeSpan ChangeInterval = TimeSpan.FromSeconds(2);

    private readonly ILogger _log = start.Services.GetRequiredService<ResourceLoggerService>().GetLogger(resource);

    /// <summary>Writes the output of the function to its log, from now on.</summary>
    public void LogOutput() => resource.OutputReceived = _log.FunctionOutput;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            RejectWaitForServer();
            await start.Eventing.PublishAsync(
                new BeforeResourceStartedEvent(resource, start.Services), cancellationToken).ConfigureAwait(false);
            await SetEnvironmentAsync(cancellationToken).ConfigureAwait(false);
            await SetStateAsync(KnownResourceStates.Building).ConfigureAwait(false);
            await BuildAsync(cancellationToken).ConfigureAwait(false);
            resource.IsReady = true;
            await SetStateAsync(KnownResourceStates.Running).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The AppHost ends.
        }
#pragma warning disable CA1031 // The dashboard shows why a resource did not start. The AppHost continues to run.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            await SetFailedAsync(exception).ConfigureAwait(false);
        }
    }

    private async Task SetEnvironmentAsync(CancellationToken cancellationToken)
    {
        var context = start.Services.GetRequiredService<DistributedApplicationExecutionContext>();
        var configuration = await ExecutionConfigurationBuilder.Create(resource).WithEnvironmentVariablesConfig()
            .BuildAsync(context, _log, cancellationToken).ConfigureAwait(false);
        if (configuration.Exception is { } exception) throw exception;
        resource.SetEnvironment(configuration.EnvironmentVariables.Select(variable =>
            KeyValuePair.Create(variable.Key, TelemetryVariables.Resolve(variable.Value, resource.Name))));
    }

    // The server is healthy if all of its functions are ready, so the function would wait without an end.
    private void RejectWaitForServer()
    {
        var waits = resource.Annotations.OfType<WaitAnnotation>()
            .Where(wait => wait.WaitType != WaitType.WaitUntilStarted);
        if (waits.All(wait => wait.Resource != resource.Parent)) return;
        throw new DistributedApplicationException(
            $"A function cannot wait for its own server, because {resource.Parent.Name} is healthy only after all of "
            + "its functions are ready. Wait for other functions instead.");
    }

    /// <summary>Builds the function until it succeeds.</summary>
    private async Task BuildAsync(CancellationToken cancellationToken)
    {
        FunctionBuildException? lastFailure = null;
        while (true)
        {
            try
            {
                await resource.Function.BuildAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (FunctionBuildException exception)
            {
                if (IsRepeated(exception, lastFailure)) resource.SetFailed(GetReason(exception));
                else await SetFailedAsync(exception).ConfigureAwait(false);
                lastFailure = exception;
            }

            await Task.Delay(ChangeInterval, timeProvider, cancellationToken).ConfigureAwait(false);
        }
    }

    // The same exception is thrown again if no file has changed. If a file cannot be read or written, each attempt has
    // a separate exception, whose message can contain a random name of a temporary file. Only one of them is logged.
    private static bool IsRepeated(FunctionBuildException exception, FunctionBuildException? last) =>
        exception == last
        || (exception.InnerException is IOException or UnauthorizedAccessException
            && exception.InnerException.HResult == last?.InnerException?.HResult);

    private string GetReason(Exception exception) =>
        $"The function {resource.Name} is not ready: {exception.Message}";

    /// <summary>Reports that the function cannot be called.</summary>
    public Task SetFailedAsync(Exception exception)
    {
        resource.SetFailed(GetReason(exception));
        _log.StartFailed(exception.Message);
        return SetStateAsync(KnownResourceStates.FailedToStart);
    }

    private Task SetStateAsync(string state) => start.Notifications.PublishUpdateAsync(
        resource,
        snapshot => snapshot with
        {
            State = state,
            StartTimeStamp = snapshot.StartTimeStamp ?? timeProvider.GetUtcNow().UtcDateTime,
        });
}
