using LambdaStreaming.Diagnostics;

namespace LambdaStreaming.ResponseStream;

/// <summary>Why a response was aborted before its last event was read, if it was.</summary>
internal enum AbortReason
{
    None,
    Cancelled,
    Idle,
    Disposed,
}

internal static class AbortReasonExtensions
{
    public static CallOutcome ToOutcome(this AbortReason reason) => reason switch
    {
        AbortReason.Cancelled => CallOutcome.Cancelled,
        AbortReason.Idle => CallOutcome.Idle,
        _ => CallOutcome.Abandoned,
    };
}

/// <summary>The body was aborted.</summary>
/// <remarks>
/// Never thrown to the caller: <see cref="ResponseStreamReader"/> maps <see cref="ResponseStreamBody.AbortReason"/> to
/// an exception for the caller.
/// </remarks>
internal sealed class BodyAbortedException : Exception;

/// <summary>The body ended before <c>InvokeComplete</c>.</summary>
/// <remarks>Never thrown to the caller: <see cref="ResponseStreamReader"/> maps it.</remarks>
internal sealed class BodyEndedException : Exception;
