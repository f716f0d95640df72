namespace LambdaStreaming.AspNetCore;

/// <summary>Results for handlers that respond with the output of a function.</summary>
/// <example><c>app.MapPost("/chat", (Question q) => LambdaResults.Stream(…))</c></example>
public static class LambdaResults
{
    /// <summary>Creates a result that invokes a function and forwards its response.</summary>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="payload">The payload: JSON, or empty.</param>
    /// <param name="options">How the response is forwarded. Default: a new <see cref="LambdaStreamOptions"/>.</param>
    /// <returns>The result. The function is invoked when the result is executed.</returns>
    /// <exception cref="ArgumentException">
    /// The function name is blank, an option is invalid, or the options are <see cref="LambdaStreamEndpointOptions"/>.
    /// The message names the argument.
    /// </exception>
    public static LambdaStreamResult Stream(
        string functionName,
        ReadOnlyMemory<byte> payload,
        LambdaStreamOptions? options = null) =>
        Stream(new InvokeWithResponseStreamRequest(functionName) { Payload = payload }, options);

    /// <inheritdoc cref="Stream(string, ReadOnlyMemory{byte}, LambdaStreamOptions?)"/>
    /// <param name="request">The function and its payload.</param>
    /// <param name="options">How the response is forwarded. Default: a new <see cref="LambdaStreamOptions"/>.</param>
    public static LambdaStreamResult Stream(
        InvokeWithResponseStreamRequest request,
        LambdaStreamOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new LambdaStreamResult(request, null, options);
    }

    /// <summary>Creates a result that forwards an existing response.</summary>
    /// <param name="response">
    /// The response, not yet read. To the call that returns it, pass <c>HttpContext.RequestAborted</c> or no token. If
    /// another token is cancelled, that is not handled as a disconnected client: the exception leaves the endpoint.
    /// </param>
    /// <param name="options">How the response is forwarded. Default: a new <see cref="LambdaStreamOptions"/>.</param>
    /// <returns>The result, which forwards the response when it is executed.</returns>
    /// <remarks>
    /// Executing the result disposes the response. If this method throws, it has disposed the response. If the result
    /// is never executed, for example because an endpoint filter replaces it, dispose the response.
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// An option is invalid, or the options are <see cref="LambdaStreamEndpointOptions"/>. The message names the
    /// option.
    /// </exception>
    public static LambdaStreamResult Stream(
        InvokeWithResponseStreamResponse response,
        LambdaStreamOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(response);
        return new LambdaStreamResult(null, response, options);
    }
}
