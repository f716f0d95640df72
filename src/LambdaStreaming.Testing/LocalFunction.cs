using System.Collections.Concurrent;
using System.Collections.Immutable;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.RuntimeApi;

namespace LambdaStreaming.Testing;

/// <summary>A function written in C#.</summary>
/// <param name="invocation">The invocation.</param>
/// <param name="response">The response to write to.</param>
/// <param name="cancellationToken">
/// Cancelled when the client disconnects, the function times out, the response ends early, or the server is disposed.
/// (On AWS, a function continues to run after its client disconnected.)
/// </param>
public delegate Task FunctionHandler(
    FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken);

/// <summary>A function of the local server, with its versions, limits and injected faults.</summary>
public sealed class LocalFunction
{
    /// <summary>The maximum of the durations of a function. .NET's timers allow 2^32 - 2 ms, 49.7 days.</summary>
    internal static readonly TimeSpan MaxDuration = TimeSpan.FromDays(49);

    private const string Latest = "$LATEST";

    private readonly FunctionHandler _handler;
    private readonly ConcurrentDictionary<string, FunctionHandler> _versions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _aliases = new(StringComparer.Ordinal);
    private ImmutableList<CallBehavior> _behaviors = [];
    private int _calls;
    private int _runningCount;

    /// <param name="name">The name.</param>
    /// <param name="handler">The code. It must not block its thread: see <see cref="RunOnThreadPool"/>.</param>
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

    /// <summary>The processes of the function, or <see langword="null"/> if it does not run in a process.</summary>
    internal RuntimePool? Pool { get; set; }

    /// <summary>Builds the project of a .NET function now, instead of at the next call.</summary>
    /// <param name="cancellationToken">Stops the build.</param>
    /// <remarks>
    /// Does nothing if the function does not have a project, or if its project is built and did not change. A project
    /// whose built files were deleted is built again.
    /// </remarks>
    /// <exception cref="FunctionBuildException">
    /// The project cannot be built, or the program cannot be started. A failed build is repeated only after a change
    /// of a file, with <see cref="RuntimeProcessOptions.RestartOnChange"/>. If the server cannot read or write a
    /// file, for example because its folder of temporary files does not exist, each call builds again. The same
    /// applies if the build cannot read, copy or write a file, for example because another process builds the same
    /// project. On Windows, it cannot replace the assembly of a call in progress.
    /// </exception>
    public Task BuildAsync(CancellationToken cancellationToken = default) =>
        Pool?.PrepareAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Sets the timeout of a call, which then ends with the error <c>Sandbox.Timedout</c>.</summary>
    /// <param name="timeout">
    /// The timeout, measured by the server's clock: at most 49 days, together with <see cref="CallBehavior.Delay"/>.
    /// Without this method: 15 minutes.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is not positive, or longer than 49 days.</exception>
    public LocalFunction WithTimeout(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timeout, MaxDuration);
        Timeout = timeout;
        return this;
    }

    /// <summary>Limits concurrent calls. Further calls get the response <c>TooManyRequestsException</c>.</summary>
    /// <param name="concurrency">The number of concurrent calls; 0 throttles every call.</param>
    /// <remarks>
    /// A function in a runtime process counts until its process has responded or its timeout has elapsed,
    /// even if its client disconnected.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public LocalFunction WithReservedConcurrency(int concurrency)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(concurrency);
        ReservedConcurrency = concurrency;
        return this;
    }

    /// <summary>Adds a published version with the code of <c>$LATEST</c>.</summary>
    /// <param name="version">The number of the version.</param>
    /// <remarks>
    /// If a function has a version or an alias, calls with an unknown qualifier get the response
    /// <c>ResourceNotFoundException</c>. Otherwise, any qualifier is accepted.
    /// </remarks>
    public LocalFunction AddVersion(string version)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(version);
        _versions[version] = _handler;
        return this;
    }

    /// <summary>Adds a published version with separate code.</summary>
    /// <param name="version">The number of the version.</param>
    /// <param name="handler">The code.</param>
    public LocalFunction AddVersion(string version, FunctionHandler handler)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(version);
        ArgumentNullException.ThrowIfNull(handler);
        _versions[version] = RunOnThreadPool(handler);
        return this;
    }

    /// <summary>Adds an alias of a version. Clients receive that version as the executed version.</summary>
    /// <param name="alias">The name of the alias.</param>
    /// <param name="version">A version that was added before, or <c>$LATEST</c>.</param>
    /// <exception cref="ArgumentException">The function does not have this version.</exception>
    public LocalFunction AddAlias(string alias, string version)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(alias);
        if (version != Latest && !_versions.ContainsKey(version)) throw CreateUnknownVersionException(version);
        _aliases[alias] = version;
        return this;
    }

    /// <summary>Adds a behavior for one call.</summary>
    /// <param name="call">The number of the call, from 1.</param>
    public CallBehavior OnCall(int call) => OnCalls(call, call);

    /// <summary>Adds a behavior for a range of calls, for example <c>OnCalls(1, 3).Throttle()</c>.</summary>
    /// <param name="first">The number of the first call, from 1.</param>
    /// <param name="last">The number of the last call.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The first number is not positive, or the last number is less than the first.
    /// </exception>
    public CallBehavior OnCalls(int first, int last)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(first);
        ArgumentOutOfRangeException.ThrowIfLessThan(last, first);
        var behavior = new CallBehavior(this, first, last);
        ImmutableInterlocked.Update(ref _behaviors, behaviors => behaviors.Add(behavior));
        return behavior;
    }

    /// <summary>Adds a behavior for all calls.</summary>
    public CallBehavior OnEveryCall() => OnCalls(1, int.MaxValue);

    /// <summary>Responds to every call with a service error.</summary>
    /// <param name="errorCode">The AWS name of the error, for example <c>TooManyRequestsException</c>.</param>
    public LocalFunction RespondWithError(string errorCode) => RespondWithError(new ServiceErrorResponse(errorCode));

    /// <summary>Responds to every call with a service error.</summary>
    /// <param name="error">The error.</param>
    public LocalFunction RespondWithError(ServiceErrorResponse error)
    {
        OnEveryCall().RespondWithError(error);
        return this;
    }

    /// <summary>Responds to every call with exactly these bytes.</summary>
    /// <param name="response">Status, headers and body.</param>
    public LocalFunction RespondWithRaw(RawResponse response)
    {
        OnEveryCall().RespondWithRaw(response);
        return this;
    }

    /// <summary>Returns a handler that does not block the thread of its caller.</summary>
    /// <remarks>
    /// The timeout of a function must also end the response of code that never awaits. The code runs even if its token
    /// is already cancelled, as it does if the client disconnects a little later.
    /// </remarks>
    internal static FunctionHandler RunOnThreadPool(FunctionHandler handler) =>
        (invocation, response, cancellationToken) =>
            Task.Run(() => handler(invocation, response, cancellationToken), CancellationToken.None);

    /// <summary>Resolves a qualifier to a version and its code.</summary>
    /// <returns><see langword="null"/> if the function does not have this version or alias.</returns>
    internal (string Version, FunctionHandler Handler)? Resolve(string? qualifier)
    {
        if (qualifier is null or Latest or "$LATEST.PUBLISHED") return (Latest, _handler);
        var version = _aliases.GetValueOrDefault(qualifier, qualifier);
        if (version == Latest) return (Latest, _handler);
        if (_versions.TryGetValue(version, out var handler)) return (version, handler);
        if (!_versions.IsEmpty || !_aliases.IsEmpty) return null;
        return (qualifier.All(char.IsAsciiDigit) ? qualifier : Latest, _handler);
    }

    /// <summary>Counts a call and returns its faults.</summary>
    internal InjectedFaults BeginCall()
    {
        var call = Interlocked.Increment(ref _calls);
        var behavior = _behaviors.FindLast(candidate => candidate.First <= call && call <= candidate.Last);
        return behavior?.Faults ?? InjectedFaults.None;
    }

    /// <summary>Returns the time from the request until the function times out.</summary>
    internal TimeSpan GetTimeLimit(TimeSpan delay)
    {
        var limit = delay + Timeout;
        return limit < MaxDuration ? limit : MaxDuration;
    }

    internal bool TryAcquireConcurrency()
    {
        if (Interlocked.Increment(ref _runningCount) <= (ReservedConcurrency ?? int.MaxValue)) return true;
        ReleaseConcurrency();
        return false;
    }

    internal void ReleaseConcurrency() => Interlocked.Decrement(ref _runningCount);

    private ArgumentException CreateUnknownVersionException(string version) => new(
        $"The function {Name} does not have a version {version}. Add the version before its alias.", nameof(version));
}
