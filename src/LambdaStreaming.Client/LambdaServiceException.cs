using System.Collections.ObjectModel;
using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Errors;

namespace LambdaStreaming;

/// <summary>The exception that is thrown if the service returned an error instead of an event stream.</summary>
/// <remarks>
/// Documented errors have their own types, which derive from this type. All other errors, including errors that the
/// service adds later, are reported with this type. <see cref="AmazonServiceException.ErrorCode"/> is the name of the
/// error.
/// </remarks>
public class LambdaServiceException : LambdaStreamingException
{
    /// <summary>Initializes a new instance. Public so that tests can create it.</summary>
    /// <param name="message">The message.</param>
    /// <param name="details">Further properties of the exception.</param>
    /// <param name="innerException">The cause, or <see langword="null"/>.</param>
    public LambdaServiceException(
        string message,
        LambdaErrorDetails? details = null,
        Exception? innerException = null)
        : this(message, GetEntry(details), details, innerException)
    {
    }

    private protected LambdaServiceException(
        string message,
        string errorCode,
        LambdaErrorDetails? details,
        Exception? innerException)
        : this(message, ServiceErrorTable.Get(errorCode, 0), details, innerException)
    {
    }

    private LambdaServiceException(
        string message,
        ServiceErrorEntry entry,
        LambdaErrorDetails? details,
        Exception? innerException)
        : base(
            message,
            GetErrorType(entry, details),
            entry.Code,
            entry.FunctionMayHaveRun,
            entry.IsTransient,
            WithStatus(entry, details),
            innerException)
    {
        IsThrottling = entry.IsThrottling;
    }

    /// <summary>Whether the service throttled the request.</summary>
    public bool IsThrottling { get; }

    /// <summary>The delay that the service requested before the next attempt.</summary>
    /// <value><see langword="null"/> if the service did not request a delay.</value>
    public TimeSpan? RetryAfter => Details.RetryAfter;

    /// <summary>The message of the service, unchanged.</summary>
    /// <value>
    /// Empty if the service did not send a message. Equal to <see cref="Exception.Message"/> if a test created the
    /// exception without a message of the service.
    /// </value>
    /// <remarks>
    /// <see cref="Exception.Message"/> states which call failed and what to do. It contains the first line of this
    /// message, unless that line might quote the payload. The other lines might quote the request, including its
    /// signature: consider that before you log them.
    /// </remarks>
    public string ServiceMessage => Details.ServiceMessage ?? Message;

    /// <summary>The error category that the service reported: <c>User</c> or <c>Service</c>.</summary>
    /// <value><see langword="null"/> if the service did not report a category. Other values are possible.</value>
    /// <remarks>
    /// <see cref="AmazonServiceException.ErrorType"/> is the category that is derived from the HTTP status.
    /// </remarks>
    public string? ServiceErrorType => GetField("Type");

    /// <summary>The other members of the service's error, keyed by their names in the response.</summary>
    /// <value>
    /// All members except name and message. JSON values that are not strings are kept as JSON text; null is omitted.
    /// The header <c>Retry-After</c> has the key <c>retryAfterSeconds</c>.
    /// </value>
    public IReadOnlyDictionary<string, string> Fields => Details.Fields ?? ReadOnlyDictionary<string, string>.Empty;

    private protected override bool IsThrottlingError => IsThrottling;

    private protected string? GetField(string name) => Fields.TryGetValue(name, out var value) ? value : null;

    private static ServiceErrorEntry GetEntry(LambdaErrorDetails? details) =>
        ServiceErrorTable.Get(details?.ErrorCode, (int)(details?.StatusCode ?? default(HttpStatusCode)));

    // Uses the received status. Without one (an error in the stream, or an exception that a test creates), uses the
    // documented status.
    private static ErrorType GetErrorType(ServiceErrorEntry entry, LambdaErrorDetails? details) =>
        GetStatus(entry, details) switch
        {
            >= 500 => ErrorType.Receiver,
            >= 300 => ErrorType.Sender,
            _ => ErrorType.Unknown,
        };

    private static LambdaErrorDetails WithStatus(ServiceErrorEntry entry, LambdaErrorDetails? details)
    {
        details ??= new LambdaErrorDetails();
        return details.StatusCode == default ? details with { StatusCode = (HttpStatusCode)entry.StatusCode } : details;
    }

    private static int GetStatus(ServiceErrorEntry entry, LambdaErrorDetails? details) =>
        (int?)details?.StatusCode is > 0 and var status ? status : entry.StatusCode;
}
