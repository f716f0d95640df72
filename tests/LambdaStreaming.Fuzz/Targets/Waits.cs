namespace LambdaStreaming.Fuzz;

/// <summary>The streams of the targets never wait, so all runs on one thread, and its allocations are counted.</summary>
internal static class Waits
{
    // One thing may end elsewhere, where this process was stopped for longer than the reader gives to the end of a body after InvokeComplete (250 ms).
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static T Finished<T>(ValueTask<T> task)
    {
        if (task.IsCompleted) return task.GetAwaiter().GetResult();
        var slow = task.AsTask();
        Await(slow);
        return slow.GetAwaiter().GetResult();
    }

    public static void Finished(ValueTask task)
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

    public static T Finished<T>(Task<T> task) => Finished(new ValueTask<T>(task));

    private static void Await(Task task) => FindingException.Unless(((IAsyncResult)task).AsyncWaitHandle.WaitOne(Patience), "It hangs, although all bytes are there.");
}
