using System.Diagnostics;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>Checks that an object can be collected.</summary>
internal static class GarbageCollector
{
    /// <summary>Returns true if the object is collected within 10 s.</summary>
    /// <remarks>A thread can reference the object until the methods that used the object have returned.</remarks>
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
