using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Testing;

/// <summary>A request that the local server accepted or rejected, and its result.</summary>
public sealed class ReceivedRequest
{
    private readonly TaskCompletionSource _clientDisconnected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytesSent;

    internal ReceivedRequest()
    {
    }

    /// <summary>The id that the server gave the request, sent in the header <c>x-amzn-RequestId</c>.</summary>
    public required string RequestId { get; init; }

    /// <summary>The HTTP method.</summary>
    public required string Method { get; init; }

    /// <summary>Path and query as in the request line, not decoded.</summary>
    public required string Target { get; init; }

    /// <summary>The operation.</summary>
    /// <value><see langword="null"/> if the server does not implement it.</value>
    public LambdaOperation? Operation { get; init; }

    /// <summary>The function's name without account and qualifier.</summary>
    /// <value><see langword="null"/> if the request does not contain a valid name.</value>
    public string? FunctionName { get; init; }

    /// <summary>The requested alias or version, from the query or from the end of the name.</summary>
    public string? Qualifier { get; init; }

    /// <summary>The request headers. Names are case-insensitive; repeated headers are joined with a comma.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>The request body.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The header <c>amz-sdk-invocation-id</c>, which all attempts of one call share.</summary>
    public string? SdkInvocationId { get; init; }

    /// <summary>The ordinal of this request among the requests with its <see cref="SdkInvocationId"/>.</summary>
    /// <value>From 1; always 1 without that header.</value>
    public int Attempt { get; init; }

    /// <summary>The connection of the request.</summary>
    public required string ConnectionId { get; init; }

    /// <summary>The time at which the request had arrived completely, according to the server's clock.</summary>
    public DateTimeOffset ReceivedAt { get; init; }

    /// <summary>The HTTP status of the response.</summary>
    /// <value><see langword="null"/> before the response, and if the connection ended without one.</value>
    public int? StatusCode { get; internal set; }

    /// <summary>The service error that was returned instead of the function's response.</summary>
    public string? ErrorCode { get; internal set; }

    /// <summary>The error code of the function, for example <c>Unhandled</c> or <c>Sandbox.Timedout</c>.</summary>
    /// <value><see langword="null"/> until the function has failed, and if it did not fail.</value>
    public string? FunctionErrorCode { get; private set; }

    /// <summary>The details of the function's error: a text, or JSON.</summary>
    /// <value><see langword="null"/> without <see cref="FunctionErrorCode"/>.</value>
    public string? FunctionErrorDetails { get; private set; }

    /// <summary>The number of body bytes written to the connection so far.</summary>
    public long BytesSent => Interlocked.Read(ref _bytesSent);

    /// <summary>Whether the server ended the response early, because of an injected fault or of the function.</summary>
    /// <value>
    /// Also <see langword="true"/> if the server closed the connection without a response, or if
    /// <see cref="TruncationMode.EndOfBody"/> ended a response exactly at its end.
    /// </value>
    public bool IsTruncated { get; internal set; }

    /// <summary>A task that completes if the client closes the connection before the response has ended.</summary>
    /// <value>Otherwise, the task never completes.</value>
    /// <remarks>
    /// Use it with a timeout: <c>await request.ClientDisconnected.WaitAsync(TimeSpan.FromSeconds(5))</c>.
    /// </remarks>
    public Task ClientDisconnected => _clientDisconnected.Task;

    /// <summary>A task that completes when this request has ended in any way.</summary>
    /// <remarks>
    /// The response was complete, it was truncated, or the client disconnected. For the invocation type <c>Event</c>,
    /// the task completes when the function has ended, too.
    /// </remarks>
    public Task Completed => _completed.Task;

    internal bool EndedByServer { get; set; }

    /// <summary>The ordinal of this request among all requests of the server, from 1.</summary>
    internal long Number { get; set; }

    /// <summary>Whether the function of an asynchronous invocation runs after the response.</summary>
    internal bool RunsInBackground { get; set; }

    /// <summary>The parsed target, or <see langword="null"/> if the server does not implement it.</summary>
    internal RequestTarget? ParsedTarget { get; init; }

    internal void AddBytesSent(int count) => Interlocked.Add(ref _bytesSent, count);

    internal void SetError(ServiceErrorResponse error)
    {
        StatusCode = ServiceErrors.GetStatus(error);
        ErrorCode = error.ErrorCode;
    }

    internal void SetFunctionError(FunctionError error)
    {
        FunctionErrorDetails = error.Details;
        FunctionErrorCode = error.Code;
    }

    internal void SetClientDisconnected()
    {
        if (!EndedByServer) _clientDisconnected.TrySetResult();
    }

    internal void SetCompleted() => _completed.TrySetResult();
}
