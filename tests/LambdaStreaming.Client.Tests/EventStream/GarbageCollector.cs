namespace LambdaStreaming.Tests.EventStream;

/// <summary>For tests of what nothing holds any more.</summary>
internal static class GarbageCollector
{
    /// <summary>Collects also what finalizers let go of.</summary>
    public static void CollectAll()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
