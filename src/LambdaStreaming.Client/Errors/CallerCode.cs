namespace LambdaStreaming.Errors;

/// <summary>Runs code of the caller that ends an operation, and ignores its exceptions.</summary>
/// <remarks>
/// A handler, content or stream of the caller can throw any exception type when it is disposed or cancelled. The
/// outcome of the operation is already known and must not change. On the thread of a timer, an exception would end the
/// process.
/// </remarks>
internal static class CallerCode
{
    public static void Run<T>(T state, Action<T> action)
    {
        try
        {
            action(state);
        }
        catch (Exception)
        {
            // See the remarks.
        }
    }
}
