using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Testing;

/// <summary>A request that the local server accepted or refused, and what became of it.</summary>
public sealed class ReceivedRequest
{
    private readonly TaskCompletionSource _clientDisconnected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _bytesSent;

    internal ReceivedRequest()
    {
    }

    /// <summary>The id that the server gave the request; sent in the header <c>x-amzn-RequestId</c>.</summary>
    public required string RequestId { get; init; }

    /// <summary>The HTTP method.</summary>
    public required string Method { get; init; }

    /// <summary>Path and query as they stood on the request line, not decoded.</summary>
    public required string Target { get; init; }

    /// <summary>The function's bare name.</summary>
    /// <value><see langword="null"/> when the request names none.</value>
    public string? FunctionName { get; init; }

    /// <summary>The alias or version asked for, in the query or as the end of the name.</summary>
    public string? Qualifier { get; init; }

    /// <summary>The headers; names in any case, repeated ones joined with a comma.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>The bytes of the body.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The header <c>amz-sdk-invocation-id</c>, the same for all attempts of one call.</summary>
    public string? SdkInvocationId { get; init; }

    /// <summary>The ordinal of this request among those with its <see cref="SdkInvocationId"/>.</summary>
    /// <value>From 1; always 1 without such a header.</value>
    public int Attempt { get; init; }

    /// <summary>The connection it came on.</summary>
    public required string ConnectionId { get; init; }

    /// <summary>When it had arrived, by the server's clock.</summary>
    public DateTimeOffset ReceivedAt { get; init; }

    /// <summary>The status that was answered.</summary>
    /// <value><see langword="null"/> before there is one, and when the connection was cut without one.</value>
    public int? StatusCode { get; internal set; }

    /// <summary>The error that the service answered instead of a stream.</summary>
    public string? ErrorCode { get; internal set; }

    /// <summary>How many bytes of body were sent so far.</summary>
    public long BytesSent => Interlocked.Read(ref _bytesSent);

    /// <summary>Ends when the client closes the connection before the answer has ended; else never.</summary>
    /// <remarks>Use it with a time limit: <c>await request.ClientDisconnected.WaitAsync(TimeSpan.FromSeconds(5))</c>.</remarks>
    public Task ClientDisconnected => _clientDisconnected.Task;

    /// <summary>Ends when the server is done with this request: answered, cut, or left by the client.</summary>
    public Task Completed => _completed.Task;

    internal bool EndedByServer { get; set; }

    internal void AddBytesSent(int count) => Interlocked.Add(ref _bytesSent, count);

    internal void SetError(ServiceErrorResponse error)
    {
        StatusCode = ServiceErrors.GetStatus(error);
        ErrorCode = error.ErrorCode;
    }

    internal void SetClientDisconnected()
    {
        if (!EndedByServer) _clientDisconnected.TrySetResult();
    }

    internal void SetCompleted() => _completed.TrySetResult();
}
