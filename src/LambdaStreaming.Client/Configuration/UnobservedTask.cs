namespace LambdaStreaming.Configuration;

/// <summary>Extension method for tasks that continue after their caller has abandoned them.</summary>
internal static class UnobservedTask
{
    /// <summary>Waits for a task that might ignore its token, and abandons it when the token is cancelled.</summary>
    public static Task<T> WaitOrAbandonAsync<T>(this Task<T> task, CancellationToken cancellationToken) =>
        task.IgnoreUnobservedException().WaitAsync(cancellationToken);

    /// <summary>
    /// Observes the task's exception, so that an abandoned task does not raise
    /// <see cref="TaskScheduler.UnobservedTaskException"/>.
    /// </summary>
    /// <returns>The same task.</returns>
    public static Task<T> IgnoreUnobservedException<T>(this Task<T> task)
    {
        if (task.IsCompletedSuccessfully) return task;
        _ = task.ContinueWith(
            static failed => _ = failed.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return task;
    }
}
