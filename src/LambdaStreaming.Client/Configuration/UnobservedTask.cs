namespace LambdaStreaming.Configuration;

/// <summary>Work that goes on after its caller has given up.</summary>
internal static class UnobservedTask
{
    /// <summary>The same task, whose failure is no unobserved one when nobody awaits it any more.</summary>
    public static Task<T> IgnoreUnobservedException<T>(this Task<T> task)
    {
        _ = task.ContinueWith(static failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return task;
    }
}
