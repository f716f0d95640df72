using System.Collections.ObjectModel;
using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Errors;

namespace LambdaStreaming;

/// <summary>The service answered with an error instead of a stream. Documented errors have types of their own that derive from this one; all others, future ones included, are of this type and carry the service's name for them.</summary>
public class LambdaServiceException : LambdaStreamingException
{
    /// <summary>Makes the exception, also in tests.</summary>
    /// <param name="message">What went wrong.</param>
    /// <param name="details">What else is known.</param>
    /// <param name="innerException">The cause, if another exception was one.</param>
    public LambdaServiceException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
        : this(message, ServiceErrorTable.Get(details?.ErrorCode, (int)(details?.StatusCode ?? default(HttpStatusCode))), details, innerException)
    {
    }

    private protected LambdaServiceException(string message, string errorCode, LambdaErrorDetails? details, Exception? innerException)
        : this(message, ServiceErrorTable.Get(errorCode, 0), details, innerException)
    {
    }

    private LambdaServiceException(string message, ServiceErrorEntry entry, LambdaErrorDetails? details, Exception? innerException)
        : base(message, GetFault(entry, details), entry.Code, entry.FunctionMayHaveRun, entry.IsTransient, WithStatus(entry, details), innerException)
    {
        IsThrottling = entry.IsThrottling;
    }

    /// <summary>Whether the service asked to slow down.</summary>
    public bool IsThrottling { get; }

    /// <summary>How long the service asked to wait before the next attempt, where it said so.</summary>
    public TimeSpan? RetryAfter => Details.RetryAfter;

    /// <summary>The service's own words, exactly as they came. Empty where there were none.</summary>
    /// <remarks><see cref="Exception.Message"/> has the first line of them, and adds which call failed and what to do. What stands here beyond that may quote the request, its signature included: mind where it is logged.</remarks>
    public string ServiceMessage => Details.ServiceMessage ?? Message;

    /// <summary>Whose fault the service holds the error to be: <c>User</c> or <c>Service</c>. Where it says so; an open set.</summary>
    /// <remarks><see cref="AmazonServiceException.ErrorType"/> is the same by the HTTP status.</remarks>
    public string? ServiceErrorType => Field("Type");

    /// <summary>The members of the service's error beside its name and message, as text by their names on the wire. JSON values that are no text are kept as JSON.</summary>
    public IReadOnlyDictionary<string, string> Fields => Details.Fields ?? ReadOnlyDictionary<string, string>.Empty;

    private protected override bool IsThrottlingError => IsThrottling;

    private protected string? Field(string name) => Fields.TryGetValue(name, out var value) ? value : null;

    // The status that came decides whose fault it is. In a stream none came that says it, nor in a test that gives none: then it is the documented one.
    private static ErrorType GetFault(ServiceErrorEntry entry, LambdaErrorDetails? details) => GetStatus(entry, details) switch
    {
        >= 500 => ErrorType.Receiver,
        >= 300 => ErrorType.Sender,
        _ => ErrorType.Unknown,
    };

    private static LambdaErrorDetails WithStatus(ServiceErrorEntry entry, LambdaErrorDetails? details) =>
        (details ?? new LambdaErrorDetails()) is var known && known.StatusCode == default ? known with { StatusCode = (HttpStatusCode)entry.StatusCode } : known;

    private static int GetStatus(ServiceErrorEntry entry, LambdaErrorDetails? details) => (int?)details?.StatusCode is > 0 and var status ? status : entry.StatusCode;
}
