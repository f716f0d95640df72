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

    /// <summary>Creates a resource.</summary>
    /// <param name="name">The name of the resource.</param>
    public LambdaStreamingServerResource(string name)
        : base(name)
    {
    }

    /// <summary>The functions of the server, by name.</summary>
    public IReadOnlyDictionary<string, LambdaStreamingFunctionResource> Functions => _functions;

    internal LocalLambdaServerOptions Options { get; } = new()
    {
        // Each function has a state of its own in the dashboard, so functions are built after the start.
        BuildFunctionsAtStart = false,
        MaxRecordedRequests = MaxRecordedRequests,
    };

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

    internal void SetFailed(Exception exception)
    {
        var message = $"The Lambda server {Name} did not start: {exception.Message}";
        _started.TrySetException(new DistributedApplicationException(message, exception));
        // If no resource waits for the server, the exception is only logged.
        _ = _started.Task.Exception;
    }
}
