namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>A call on its way through a runtime process.</summary>
internal sealed class RuntimeInvocation(FunctionInvocation invocation, FunctionResponse response)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FunctionInvocation Invocation { get; } = invocation;

    public FunctionResponse Response { get; } = response;

    /// <summary>What GET next tells of it, beside the payload.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; set; } = [];

    /// <summary>Whether a process has asked for it, and was given it.</summary>
    public bool IsDelivered { get; set; }

    /// <summary>Whether the runtime has begun to post its answer.</summary>
    public bool Responding { get; set; }

    /// <summary>Whether its process is of no use any more: its connection broke amid the answer, it did not start, or its time was over.</summary>
    public bool IsFaulted { get; set; }

    /// <summary>Ends when the runtime's answer has ended, well or not.</summary>
    public Task Done => _done.Task;

    public void SetDone() => _done.TrySetResult();

    public void Fail(string errorCode, string error)
    {
        Response.Fail(errorCode, error);
        SetDone();
    }

    /// <summary>Fails in words of our own, in the form that Lambda gives its.</summary>
    public void FailWith(string errorCode, string reason) => Fail(errorCode, $"RequestId: {Invocation.RequestId} Error: {reason}");
}
