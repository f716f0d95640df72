namespace LambdaStreaming.Http.Responses;

/// <summary>Maps the exceptions of the client to those that users of <see cref="HttpClient"/> expect.</summary>
internal static class HttpErrors
{
    /// <summary>Creates the exception for a failure before the response headers.</summary>
    public static HttpRequestException BeforeHeaders(LambdaStreamingException exception) =>
        new(GetError(exception), exception.Message, exception, GetStatusCode(exception));

    /// <summary>Creates the exception for a failure while the body is read.</summary>
    public static HttpIOException InBody(LambdaStreamingException exception) =>
        new(GetError(exception), exception.Message, exception);

    private static HttpRequestError GetError(LambdaStreamingException exception) => exception switch
    {
        { InnerException: HttpRequestException { HttpRequestError: not HttpRequestError.Unknown } cause } =>
            cause.HttpRequestError,

        LambdaTransportException { FunctionMayHaveRun: false, InnerException: TimeoutException } =>
            HttpRequestError.ConnectionError,
        ResponseStreamCorruptException or PayloadFormatException => HttpRequestError.InvalidResponse,
        PayloadLimitExceededException => HttpRequestError.ConfigurationLimitExceeded,
        ResponseStreamException or FunctionErrorException => HttpRequestError.ResponseEnded,
        _ => HttpRequestError.Unknown,
    };

    // Returns a status only if it was received instead of the function's response. A stream that fails later has the
    // status 200, which does not describe the failure.
    private static System.Net.HttpStatusCode? GetStatusCode(LambdaStreamingException exception) =>
        exception is LambdaServiceException or LambdaTransportException && exception.StatusCode != default
            ? exception.StatusCode
            : null;
}
