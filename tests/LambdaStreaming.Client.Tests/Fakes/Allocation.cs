namespace LambdaStreaming.Tests;

/// <summary>Measures allocations of synchronous code.</summary>
internal static class Allocation
{
    /// <summary>Returns the bytes that the run with the smallest allocation has allocated on this thread.</summary>
    /// <remarks>
    /// The minimum, because a garbage collection can trim the shared pool and other tests can take arrays from it. Code
    /// that does not return its arrays allocates them in every run.
    /// </remarks>
    public static long MinOf(int runs, Action action) => Enumerable.Range(0, runs).Min(_ =>
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    });
}
