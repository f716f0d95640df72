namespace LambdaStreaming.Fuzz;

/// <summary>The streams of the targets never wait, so nothing that reads them may: all runs on one thread, and its allocations are counted.</summary>
internal static class Waits
{
    public static T Finished<T>(ValueTask<T> task)
    {
        FindingException.Unless(task.IsCompleted, "It waits, although all bytes are there.");
        return task.GetAwaiter().GetResult();
    }

    public static void Finished(ValueTask task)
    {
        FindingException.Unless(task.IsCompleted, "It waits, although all bytes are there.");
        task.GetAwaiter().GetResult();
    }

    public static T Finished<T>(Task<T> task) => Finished(new ValueTask<T>(task));
}
