using LambdaStreaming.Errors;

namespace LambdaStreaming.Configuration;

/// <summary>Extension methods for tasks that continue after their caller has abandoned them.</summary>
internal static class UnobservedTask
{
    /// <summary>Waits for a task that might ignore its token, and abandons it when the token is cancelled.</summary>
    public static Task<T> WaitOrAbandonAsync<T>(this Task<T> task, CancellationToken cancellationToken) =>
        task.IgnoreUnobservedException().WaitAsync(cancellationToken);

    /// <summary>Disposes the result of a task that was abandoned, as soon as it has one.</summary>
    public static void DisposeLateResult<T>(this Task<T> task)
        where T : IDisposable =>
        _ = task.IgnoreUnobservedException().ContinueWith(
            static late => CallerCode.Run(late.Result, static result => result.Dispose()),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);

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
