using LambdaStreaming.Testing;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A Lambda function of a <see cref="LambdaStreamingServerResource"/>.</summary>
/// <remarks>
/// The name of the resource is the name of the function. The environment of the resource, for example a reference to a
/// database, is that of the function's processes. A process is started for a call if none is idle.
/// </remarks>
public sealed class LambdaStreamingFunctionResource
    : Resource, IResourceWithParent<LambdaStreamingServerResource>, IResourceWithEnvironment, IResourceWithWaitSupport
{
    private readonly Dictionary<string, string?> _environment;

    internal LambdaStreamingFunctionResource(
        string name, LambdaStreamingServerResource parent, RuntimeProcessOptions process)
        : base(name)
    {
        Parent = parent;
        _environment = new(process.Environment, StringComparer.Ordinal);
        var outputReceived = process.OutputReceived;
        Function = parent.Options.AddFunction(name, process with
        {
            // The process reads the variables when it starts. By then, those of the resource have been added.
            Environment = _environment,
            OutputReceived = line =>
            {
                OutputReceived?.Invoke(line);
                outputReceived?.Invoke(line);
            },
        });
    }

    /// <summary>The server.</summary>
    public LambdaStreamingServerResource Parent { get; }

    /// <summary>The function, to set its limits and inject faults, before and after the start.</summary>
    public LocalFunction Function { get; }

    /// <summary>Receives each line of the function's output and of its build.</summary>
    internal Action<string>? OutputReceived { get; set; }

    /// <summary>Whether the function can be called.</summary>
    internal bool IsReady { get; set; }

    /// <summary>Why the last build failed, or <see langword="null"/>.</summary>
    internal string? Failure { get; set; }

    internal void SetEnvironment(IEnumerable<KeyValuePair<string, string>> variables)
    {
        foreach ((var name, var value) in variables) _environment[name] = value;
    }
}
