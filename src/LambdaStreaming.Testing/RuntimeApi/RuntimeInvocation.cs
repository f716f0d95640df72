namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>An invocation that a runtime process handles.</summary>
internal sealed class RuntimeInvocation(FunctionInvocation invocation, FunctionResponse response)
{
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _hasResponseStarted;
    private int _clientWrites;
    private volatile bool _isWritingToClient;

    public FunctionInvocation Invocation { get; } = invocation;

    public FunctionResponse Response { get; } = response;

    /// <summary>The headers of the response to GET next, which has the payload as its body.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; set; } = [];

    /// <summary>Whether a process has requested and received the invocation.</summary>
    public bool IsDelivered { get; set; }

    /// <summary>Whether the runtime has started to post its response or its error.</summary>
    public bool HasResponseStarted => Volatile.Read(ref _hasResponseStarted) != 0;

    /// <summary>Whether a part of the response is being sent to the client, which might read slowly.</summary>
    public bool IsWritingToClient => _isWritingToClient;

    /// <summary>The number of parts of the response that were sent to the client.</summary>
    public int ClientWrites => Volatile.Read(ref _clientWrites);

    /// <summary>Whether the process that handles this invocation cannot be used again.</summary>
    /// <remarks>
    /// The process failed to initialize, its connection ended during the response, or the function timed out.
    /// </remarks>
    public bool IsFaulted { get; set; }

    /// <summary>A task that completes when the runtime's response has ended, successfully or not.</summary>
    public Task Completed => _completed.Task;

    /// <summary>Starts the response.</summary>
    /// <returns>False if it has already started.</returns>
    public bool TryBeginResponse() => Interlocked.Exchange(ref _hasResponseStarted, 1) == 0;

    /// <summary>Sends a part of the response to the client.</summary>
    public async Task WriteToClientAsync(ReadOnlyMemory<byte> payload)
    {
        _isWritingToClient = true;
        try
        {
            await Response.WriteAsync(payload, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Increment(ref _clientWrites);
            _isWritingToClient = false;
        }
    }

    public void SetCompleted() => _completed.TrySetResult();

    public void Fail(string errorCode, string errorDetails)
    {
        Response.Fail(errorCode, errorDetails);
        SetCompleted();
    }

    /// <summary>Fails because the connection of the process ended during its response or its error.</summary>
    public void FailAsTruncated()
    {
        IsFaulted = true;
        FailWithReason("Runtime.TruncatedResponse", "The runtime's response was truncated.");
    }

    /// <summary>Fails with error details in Lambda's format.</summary>
    public void FailWithReason(string errorCode, string reason) =>
        Fail(errorCode, $"RequestId: {Invocation.RequestId} Error: {reason}");
}
