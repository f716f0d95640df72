namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>A call on its way through a runtime process.</summary>
internal sealed class RuntimeInvocation(FunctionInvocation invocation, FunctionResponse response)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FunctionInvocation Invocation { get; } = invocation;

    public FunctionResponse Response { get; } = response;

    public RuntimeProcess? Process { get; set; }

    /// <summary>Whether the runtime has begun to post its answer.</summary>
    public bool Answering { get; set; }

    /// <summary>Whether the runtime's connection broke amid its answer: its process is ending, and gets no other call.</summary>
    public bool RuntimeBroke { get; set; }

    /// <summary>Ends when the runtime's answer has ended, well or not.</summary>
    public Task Done => _done.Task;

    public void SetDone() => _done.TrySetResult();

    public void Fail(string errorCode, string errorDetails)
    {
        Response.Fail(errorCode, errorDetails);
        SetDone();
    }
}
