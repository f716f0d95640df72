using LambdaStreaming.Diagnostics;

namespace LambdaStreaming.ResponseStream;

/// <summary>Why a response was ended from outside, before its last event was read.</summary>
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

/// <summary>Thrown by <see cref="ResponseStreamBody"/> to its reader, which maps <see cref="ResponseStreamBody.AbortReason"/>.</summary>
internal sealed class BodyAbortedException : Exception;
