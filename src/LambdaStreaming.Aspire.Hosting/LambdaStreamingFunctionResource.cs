using Aspire.Hosting;
using LambdaStreaming.Testing;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A Lambda function of a <see cref="LambdaStreamingServerResource"/>.</summary>
/// <remarks>
/// The name of the resource is the name of the function. The environment of the resource, for example a reference to a
/// database, is that of the function's processes. A process is started for a call if none is idle. The resource is
/// running as soon as the function is built.
/// </remarks>
public sealed class LambdaStreamingFunctionResource : Resource, IResourceWithEnvironment, IResourceWithWaitSupport
{
    private readonly TaskCompletionSource<Dictionary<string, string?>> _environment =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal LambdaStreamingFunctionResource(
        string name, LambdaStreamingServerResource parent, RuntimeProcessOptions process)
        : base(name)
    {
        Parent = parent;
        var outputReceived = process.OutputReceived;
        Function = parent.Options.AddFunction(name, process with
        {
            EnvironmentProvider = cancellationToken => GetEnvironmentAsync(process, cancellationToken),
            OutputReceived = line =>
            {
                OutputReceived?.Invoke(line);
                outputReceived?.Invoke(line);
            },
        });
    }

    // Not the property of IResourceWithParent: WaitFor would then wait for the server, and so for all of its functions.
    /// <summary>The server.</summary>
    public LambdaStreamingServerResource Parent { get; }

    /// <summary>The function, to set its limits and inject faults, before and after the start.</summary>
    public LocalFunction Function { get; }

    /// <summary>Receives each line of the function's output and of its build.</summary>
    internal Action<string>? OutputReceived { get; set; }

    /// <summary>Whether the function can be called.</summary>
    internal bool IsReady { get; set; }

    /// <summary>Why the function is not ready, or <see langword="null"/>.</summary>
    internal string? Failure { get; private set; }

    /// <summary>Sets the variables of the resource. Calls wait for them.</summary>
    internal void SetEnvironment(IEnumerable<KeyValuePair<string, string>> variables) => _environment.TrySetResult(
        variables.ToDictionary(pair => pair.Key, string? (pair) => pair.Value, StringComparer.Ordinal));

    /// <summary>Sets why the function is not ready. If its environment is not known, its calls fail.</summary>
    internal void SetFailed(string reason)
    {
        Failure = reason;
        if (_environment.TrySetException(new DistributedApplicationException(reason))) _ = _environment.Task.Exception;
    }

    private async Task<IReadOnlyDictionary<string, string?>> GetEnvironmentAsync(
        RuntimeProcessOptions process, CancellationToken cancellationToken)
    {
        var variables = await _environment.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (process.EnvironmentProvider is not { } provider) return variables;
        var all = new Dictionary<string, string?>(
            await provider(cancellationToken).ConfigureAwait(false), StringComparer.Ordinal);
        foreach (var (name, value) in variables) all[name] = value;
        return all;
    }
}
