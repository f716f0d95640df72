namespace LambdaStreaming.Testing;

/// <summary>An error that the service returns instead of the function's response.</summary>
public sealed class ServiceErrorResponse
{
    /// <summary>Creates the response for an error name.</summary>
    /// <param name="errorCode">The AWS name of the error, for example <c>TooManyRequestsException</c>.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public ServiceErrorResponse(string errorCode)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(errorCode);
        ErrorCode = errorCode;
    }

    /// <summary>The AWS name of the error, sent in the header <c>x-amzn-ErrorType</c>.</summary>
    public string ErrorCode { get; }

    /// <summary>The HTTP status.</summary>
    /// <value>Default: the documented status of this error; 400 for undocumented names.</value>
    public int? StatusCode { get; init; }

    /// <summary>The error message.</summary>
    /// <value>Default: a short message that names the error and the local server.</value>
    public string? Message { get; init; }

    /// <summary>The header <c>Retry-After</c>, rounded up to seconds.</summary>
    /// <value>Default: <see langword="null"/>, which omits the header.</value>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Additional fields of the JSON body.</summary>
    /// <value>
    /// Default: empty. Example: <c>Reason</c> of <c>TooManyRequestsException</c>. The message, and <c>Type</c> for
    /// documented errors, are sent in any case.
    /// </value>
    public IReadOnlyDictionary<string, string> Fields { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);
}
