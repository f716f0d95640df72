namespace LambdaStreaming.AspNetCore;

/// <summary>Results for handlers that answer with what a function streams: <c>app.MapPost("/chat", (Question q) => LambdaResults.Stream(…))</c>.</summary>
public static class LambdaResults
{
    /// <summary>Invokes a function and passes its answer on.</summary>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="payload">The payload: JSON, or nothing.</param>
    /// <param name="options">How it is passed on. Default: as <see cref="LambdaStreamOptions"/> says.</param>
    /// <returns>The result, which does its work when it is executed.</returns>
    public static LambdaStreamResult Stream(string functionName, ReadOnlyMemory<byte> payload, LambdaStreamOptions? options = null) =>
        Stream(new InvokeWithResponseStreamRequest(functionName) { Payload = payload }, options);

    /// <inheritdoc cref="Stream(string, ReadOnlyMemory{byte}, LambdaStreamOptions?)"/>
    /// <param name="request">Which function, and what it is given.</param>
    /// <param name="options">How it is passed on. Default: as <see cref="LambdaStreamOptions"/> says.</param>
    public static LambdaStreamResult Stream(InvokeWithResponseStreamRequest request, LambdaStreamOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new LambdaStreamResult(request, null, options);
    }

    /// <summary>Passes on an answer that is there already. The result disposes it, and so does this method where it throws.</summary>
    /// <param name="response">The answer, not read yet. Make it with the token <c>HttpContext.RequestAborted</c>, or with none.</param>
    /// <param name="options">How it is passed on. Default: as <see cref="LambdaStreamOptions"/> says.</param>
    /// <returns>The result, which does its work when it is executed.</returns>
    public static LambdaStreamResult Stream(InvokeWithResponseStreamResponse response, LambdaStreamOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(response);
        return new LambdaStreamResult(null, response, options);
    }
}
