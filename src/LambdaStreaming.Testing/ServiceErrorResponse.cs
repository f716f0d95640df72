namespace LambdaStreaming.Testing;

/// <summary>An error that the service answers instead of a stream.</summary>
public sealed class ServiceErrorResponse
{
    /// <summary>Creates the answer for an error by its name.</summary>
    /// <param name="errorCode">AWS's name of the error, e.g. <c>TooManyRequestsException</c>.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public ServiceErrorResponse(string errorCode)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(errorCode);
        ErrorCode = errorCode;
    }

    /// <summary>AWS's name of the error; sent in the header <c>x-amzn-ErrorType</c>.</summary>
    public string ErrorCode { get; }

    /// <summary>The HTTP status.</summary>
    /// <value>Default: the documented one of this error; 400 for names that are not documented.</value>
    public int? StatusCode { get; init; }

    /// <summary>The text of the error.</summary>
    /// <value>Default: a short text of the local server's own.</value>
    public string? Message { get; init; }

    /// <summary>The header <c>Retry-After</c>, in whole seconds.</summary>
    /// <value>Default: none.</value>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Further members of the JSON body, e.g. <c>Reason</c> of <c>TooManyRequestsException</c>.</summary>
    /// <value>Default: none beside <c>Type</c> and the message.</value>
    public IReadOnlyDictionary<string, string> Fields { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
