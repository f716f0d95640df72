namespace LambdaStreaming.Http;

/// <summary>Creates the exception for an HTTP prelude that cannot be used.</summary>
/// <remarks>LambdaStreaming.AspNetCore compiles this file, too.</remarks>
internal static class InvalidPrelude
{
    /// <param name="response">The response, whose request id is in the exception.</param>
    /// <param name="problem">The message, without its last period.</param>
    public static PayloadFormatException Create(InvokeWithResponseStreamResponse response, string problem)
    {
        var details = new LambdaErrorDetails { RequestId = response.RequestId, StatusCode = response.StatusCode };
        var request = response.RequestId is "" ? "" : $" (request id {response.RequestId})";
        return new PayloadFormatException($"{problem}{request}.", details: details);
    }
}
