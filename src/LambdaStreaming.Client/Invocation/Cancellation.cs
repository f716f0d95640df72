namespace LambdaStreaming.Invocation;

/// <summary>Creates the exceptions of cancelled calls.</summary>
internal static class Cancellation
{
    /// <summary>Creates the exception of a call that was cancelled before the response headers were received.</summary>
    /// <param name="request">The request.</param>
    /// <param name="invocation">The invocation, if it has begun. This method ends the invocation.</param>
    /// <param name="cause">The exception of the operation that was cancelled.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    public static InvocationCanceledException CreateException(
        InvokeWithResponseStreamRequest request,
        InvocationContext? invocation,
        OperationCanceledException? cause,
        CancellationToken cancellationToken)
    {
        var mayHaveRun = invocation?.EndAndGetMayHaveRun() ?? false;
        var consequence = mayHaveRun
            ? "The function might have run; cancellation does not stop it or its billing."
            : "The function did not run.";
        return new InvocationCanceledException(
            $"The invocation of {request.FunctionName} was cancelled. {consequence}",
            mayHaveRun,
            cause,
            cancellationToken);
    }
}
