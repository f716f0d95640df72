using LambdaStreaming.Testing;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A local server for AWS Lambda with response streaming, which runs in the AppHost.</summary>
/// <remarks>
/// The resource is running as soon as the server accepts requests. It is healthy if all of its functions are built.
/// </remarks>
public sealed class LambdaStreamingServerResource : Resource, IResourceWithWaitSupport
{
    // The AppHost can run for days, and a request is kept with its payload.
    private const int MaxRecordedRequests = 100;

    private readonly TaskCompletionSource<LocalLambdaServer> _started =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly Dictionary<string, LambdaStreamingFunctionResource> _functions = new(StringComparer.Ordinal);

    internal LambdaStreamingServerResource(string name)
        : base(name)
    {
    }

    /// <summary>The functions of the server that are resources, by name.</summary>
    public IReadOnlyDictionary<string, LambdaStreamingFunctionResource> Functions => _functions;

    internal LocalLambdaServerOptions Options { get; } = new()
    {
        // Each function has a state of its own in the dashboard, so functions are built after the start.
        BuildFunctionsAtStart = false,
        MaxRecordedRequests = MaxRecordedRequests,
    };

    /// <summary>Whether an app has a reference to the server.</summary>
    internal bool IsReferenced { get; set; }

    /// <summary>Waits until the server accepts requests.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>
    /// The server, for example to create a client in a test, or to look at its requests. The AppHost disposes it.
    /// </returns>
    /// <exception cref="DistributedApplicationException">The server did not start.</exception>
    public Task<LocalLambdaServer> GetServerAsync(CancellationToken cancellationToken = default) =>
        _started.Task.WaitAsync(cancellationToken);

    internal void Add(LambdaStreamingFunctionResource function) => _functions.Add(function.Name, function);

    internal void SetStarted(LocalLambdaServer server) => _started.TrySetResult(server);

    /// <summary>Sets why the server did not start.</summary>
    /// <returns>The exception for everything that requires the server.</returns>
    internal DistributedApplicationException SetFailed(Exception exception)
    {
        var failure = new DistributedApplicationException(
            $"The Lambda server {Name} did not start: {exception.Message}", exception);
        _started.TrySetException(failure);
        // If no resource waits for the server, the exception is only logged.
        _ = _started.Task.Exception;
        return failure;
    }
}
