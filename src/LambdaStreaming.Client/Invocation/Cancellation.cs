namespace LambdaStreaming.Invocation;

/// <summary>Creates the exceptions of cancelled calls.</summary>
internal static class Cancellation
{
    /// <summary>The call was cancelled before the response headers were received.</summary>
    /// <param name="request">The request.</param>
    /// <param name="invocation">Its invocation, if that had begun. It ends here.</param>
    /// <param name="cause">The exception of the operation that was cancelled.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    public static InvocationCanceledException OfCall(
        InvokeWithResponseStreamRequest request,
        InvocationContext? invocation,
        OperationCanceledException? cause,
        CancellationToken cancellationToken)
    {
        var mayHaveRun = invocation?.End() ?? false;
        var consequence = mayHaveRun ? "The function may have run, and is billed to its end."
            : invocation?.HasSent() != true ? "Nothing was sent."
            : "The function did not run.";
        return new InvocationCanceledException(
            $"The call of {request.FunctionName} was cancelled. {consequence}",
            mayHaveRun,
            cause,
            cancellationToken);
    }
}
