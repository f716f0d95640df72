namespace LambdaStreaming;

/// <summary>An invocation was cancelled by the caller's token, before or while its response was read.</summary>
/// <remarks>Cancellation closes the connection. It does not stop a function that has started.</remarks>
public sealed class InvocationCanceledException : OperationCanceledException
{
    /// <summary>Creates the exception, also in tests.</summary>
    /// <param name="message">What was cancelled, and whether the function might have run.</param>
    /// <param name="functionMayHaveRun">The value of <see cref="FunctionMayHaveRun"/>.</param>
    /// <param name="innerException">The exception of the operation that was cancelled.</param>
    /// <param name="cancellationToken">The token that was cancelled.</param>
    public InvocationCanceledException(
        string message,
        bool functionMayHaveRun,
        Exception? innerException = null,
        CancellationToken cancellationToken = default)
        : base(message, innerException, cancellationToken) => FunctionMayHaveRun = functionMayHaveRun;

    /// <summary>Whether the function might have run, or might still be running.</summary>
    /// <value><see langword="false"/> only if that can be ruled out.</value>
    public bool FunctionMayHaveRun { get; }
}
