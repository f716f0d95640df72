using System.Diagnostics;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>For tests of what nothing holds any more.</summary>
internal static class GarbageCollector
{
    /// <summary>Whether nothing holds the object any more. A thread that has just worked with it may, until it has left the methods that did.</summary>
    public static bool Collects(WeakReference reference)
    {
        var waiting = Stopwatch.StartNew();
        do
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            if (!reference.IsAlive) return true;
        }
        while (waiting.Elapsed < TimeSpan.FromSeconds(10));
        return false;
    }
}
