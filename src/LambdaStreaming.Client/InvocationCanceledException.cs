namespace LambdaStreaming;

/// <summary>
/// The exception that is thrown if the caller's token cancels an invocation, before or during the response.
/// </summary>
/// <remarks>Cancellation closes the connection. It does not stop a function that has started.</remarks>
public sealed class InvocationCanceledException : OperationCanceledException
{
    /// <summary>Initializes a new instance. Public so that tests can create it.</summary>
    /// <param name="message">The message.</param>
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
    /// <value><see langword="false"/> only if the function cannot have run in any attempt of the call.</value>
    public bool FunctionMayHaveRun { get; }
}
