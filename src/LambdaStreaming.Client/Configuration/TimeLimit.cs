using LambdaStreaming.Errors;

namespace LambdaStreaming.Configuration;

/// <summary>A token that is cancelled when a time has elapsed, or by another token.</summary>
/// <remarks>Callbacks can be code of the caller. See <see cref="CallerCode"/>.</remarks>
internal sealed class TimeLimit : IDisposable
{
    private static readonly Action<object?> Cancel = static source =>
        CallerCode.Run((CancellationTokenSource)source!, static source => source.Cancel());

    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _source = new();
    private readonly CancellationTokenRegistration _registration;

    public TimeLimit(TimeSpan time, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        _timer = new CancellationTokenSource(time, timeProvider);
        _timer.Token.UnsafeRegister(Cancel, _source);
        _registration = cancellationToken.UnsafeRegister(Cancel, _source);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Whether the time has elapsed.</summary>
    public bool HasElapsed => _timer.IsCancellationRequested;

    public void Dispose()
    {
        _registration.Dispose();
        _timer.Dispose();
        _source.Dispose();
    }
}
