using System.Collections.Concurrent;
using System.Collections.Immutable;
using LambdaStreaming.Testing.Faults;

namespace LambdaStreaming.Testing;

/// <summary>A function written in C#.</summary>
/// <param name="invocation">What it is called with.</param>
/// <param name="response">What it answers with.</param>
/// <param name="cancellationToken">Ends when the client leaves, the function's time is over or the server is disposed. (On AWS a function runs on when its client leaves.)</param>
public delegate Task FunctionHandler(FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken);

/// <summary>A function of the local server: its versions and limits, and what its calls meet.</summary>
public sealed class LocalFunction
{
    private const string Latest = "$LATEST";

    private readonly FunctionHandler _handler;
    private readonly ConcurrentDictionary<string, FunctionHandler> _versions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _aliases = new(StringComparer.Ordinal);
    private ImmutableList<CallBehavior> _scripts = [];
    private int _calls;
    private int _running;

    internal LocalFunction(string name, FunctionHandler handler)
    {
        Name = name;
        _handler = handler;
    }

    /// <summary>The function's name.</summary>
    public string Name { get; }

    // Source: Lambda quotas: a function runs 900 seconds at most.
    internal TimeSpan Timeout { get; private set; } = TimeSpan.FromMinutes(15);

    internal int? ReservedConcurrency { get; private set; }

    /// <summary>Limits how long a call may run; then it ends with the error <c>Sandbox.Timedout</c>.</summary>
    /// <param name="timeout">By the server's clock. Without a call of this method: 15 minutes.</param>
    public LocalFunction WithTimeout(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        Timeout = timeout;
        return this;
    }

    /// <summary>Limits how many calls may run at once; one more is answered with <c>TooManyRequestsException</c>.</summary>
    /// <param name="concurrency">How many; 0 throttles every call.</param>
    /// <remarks>A real function whose client has left counts until its process has answered or its time is over.</remarks>
    public LocalFunction WithReservedConcurrency(int concurrency)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(concurrency);
        ReservedConcurrency = concurrency;
        return this;
    }

    /// <summary>Adds a published version that does what <c>$LATEST</c> does.</summary>
    /// <param name="version">Its number.</param>
    /// <remarks>Once a function has a version or alias, calls with an unknown qualifier are answered with <c>ResourceNotFoundException</c>; before, any will do.</remarks>
    public LocalFunction AddVersion(string version) => AddVersion(version, _handler);

    /// <summary>Adds a published version with code of its own.</summary>
    /// <param name="version">Its number.</param>
    /// <param name="handler">What it does.</param>
    public LocalFunction AddVersion(string version, FunctionHandler handler)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(version);
        ArgumentNullException.ThrowIfNull(handler);
        _versions[version] = handler;
        return this;
    }

    /// <summary>Adds an alias; the executed version that clients see is the version it stands for.</summary>
    /// <param name="alias">Its name.</param>
    /// <param name="version">A version added before, or <c>$LATEST</c>.</param>
    /// <exception cref="ArgumentException">There is no such version.</exception>
    public LocalFunction AddAlias(string alias, string version)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(alias);
        if (version != Latest && !_versions.ContainsKey(version))
            throw new ArgumentException($"The function {Name} has no version {version}; add it first.", nameof(version));
        _aliases[alias] = version;
        return this;
    }

    /// <summary>Begins the script of one call.</summary>
    /// <param name="call">Its number, from 1.</param>
    public CallBehavior OnCall(int call) => OnCalls(call, call);

    /// <summary>Begins the script of some calls, e.g. <c>OnCalls(1, 3).Throttle()</c>.</summary>
    /// <param name="first">The number of the first, from 1.</param>
    /// <param name="last">The number of the last.</param>
    public CallBehavior OnCalls(int first, int last)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(first);
        ArgumentOutOfRangeException.ThrowIfLessThan(last, first);
        var script = new CallBehavior(this, first, last);
        ImmutableInterlocked.Update(ref _scripts, scripts => scripts.Add(script));
        return script;
    }

    /// <summary>Begins the script of all calls.</summary>
    public CallBehavior OnEveryCall() => OnCalls(1, int.MaxValue);

    /// <summary>Answers every call with an error of the service.</summary>
    /// <param name="errorCode">AWS's name of the error, e.g. <c>TooManyRequestsException</c>.</param>
    public LocalFunction RespondWithError(string errorCode) => RespondWithError(new ServiceErrorResponse(errorCode));

    /// <summary>Answers every call with an error of the service.</summary>
    /// <param name="error">The error.</param>
    public LocalFunction RespondWithError(ServiceErrorResponse error)
    {
        OnEveryCall().RespondWithError(error);
        return this;
    }

    /// <summary>Answers every call with these very bytes.</summary>
    /// <param name="response">Status, headers and body.</param>
    public LocalFunction RespondWithRaw(RawResponse response)
    {
        OnEveryCall().RespondWithRaw(response);
        return this;
    }

    /// <summary>Finds what a qualifier stands for.</summary>
    /// <returns><see langword="null"/> when there is no such version or alias.</returns>
    internal (string Version, FunctionHandler Handler)? Resolve(string? qualifier)
    {
        if (qualifier is null or Latest or "$LATEST.PUBLISHED") return (Latest, _handler);
        var version = _aliases.GetValueOrDefault(qualifier, qualifier);
        if (version == Latest) return (Latest, _handler);
        if (_versions.TryGetValue(version, out var handler)) return (version, handler);
        if (!_versions.IsEmpty || !_aliases.IsEmpty) return null;
        return (qualifier.All(char.IsAsciiDigit) ? qualifier : Latest, _handler);
    }

    /// <summary>Counts a call, and finds what it meets.</summary>
    internal InjectedFaults NextCall()
    {
        var call = Interlocked.Increment(ref _calls);
        return _scripts.FindLast(script => script.First <= call && call <= script.Last)?.Faults ?? InjectedFaults.None;
    }

    internal bool TryEnter()
    {
        if (Interlocked.Increment(ref _running) <= (ReservedConcurrency ?? int.MaxValue)) return true;
        Leave();
        return false;
    }

    internal void Leave() => Interlocked.Decrement(ref _running);
}
