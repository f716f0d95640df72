using LambdaStreaming.Errors;

namespace LambdaStreaming.Configuration;

/// <summary>A token that is cancelled when a time has elapsed, or by other tokens.</summary>
/// <remarks>
/// Callbacks can be code of the caller (see <see cref="CallerCode"/>) and can block. A linked
/// <see cref="CancellationTokenSource"/> would wait for them when it is disposed; this type does not.
/// </remarks>
internal sealed class TimeLimit : IDisposable
{
    private static readonly Action<object?> Cancel = static source =>
        CallerCode.Run((CancellationTokenSource)source!, static source => source.Cancel());

    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _source = new();
    private readonly CancellationTokenRegistration[] _registrations;

    public TimeLimit(TimeSpan time, TimeProvider timeProvider, params ReadOnlySpan<CancellationToken> tokens)
    {
        _timer = new CancellationTokenSource(time, timeProvider);
        _timer.Token.UnsafeRegister(Cancel, _source);
        _registrations = new CancellationTokenRegistration[tokens.Length];
        for (var index = 0; index < tokens.Length; index++)
            _registrations[index] = tokens[index].UnsafeRegister(Cancel, _source);
        Token = _source.Token;
    }

    public CancellationToken Token { get; }

    /// <summary>Whether the time has elapsed.</summary>
    public bool HasElapsed => _timer.IsCancellationRequested;

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Unregister();
        _timer.Dispose();
        _source.Dispose();
    }
}
