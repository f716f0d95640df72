namespace LambdaStreaming.Fuzz;

/// <summary>Results of tasks that complete synchronously, because the streams of the targets never wait.</summary>
/// <remarks>All work then runs on one thread, whose allocations are counted.</remarks>
internal static class SynchronousTask
{
    // A task can still complete on another thread: after InvokeComplete, the reader waits at most 250 ms for the end of
    // the body. If this process is stopped for longer, that time elapses although the stream does not wait.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    public static T GetResult<T>(ValueTask<T> task)
    {
        if (task.IsCompleted) return task.GetAwaiter().GetResult();
        var slow = task.AsTask();
        Await(slow);
        return slow.GetAwaiter().GetResult();
    }

    public static void GetResult(ValueTask task)
    {
        if (!task.IsCompleted)
        {
            var slow = task.AsTask();
            Await(slow);
            slow.GetAwaiter().GetResult();
            return;
        }

        task.GetAwaiter().GetResult();
    }

    public static T GetResult<T>(Task<T> task) => GetResult(new ValueTask<T>(task));

    /// <summary>Waits for a task, without throwing its exception.</summary>
    public static void Wait(Task task)
    {
        if (!task.IsCompleted) Await(task);
    }

    private static void Await(Task task) => FindingException.Unless(
        ((IAsyncResult)task).AsyncWaitHandle.WaitOne(MaxWait),
        "A read hangs although all bytes are available.");
}
