namespace LambdaStreaming.Http;

/// <summary>The one send of one attempt. It travels with the attempt's flow, because copies of a request carry nothing of the original that could be relied on.</summary>
internal sealed class SendPermit
{
    // Not the content itself: whatever captures the flow, such as a connection that lives on, would keep the payload.
    private static readonly AsyncLocal<SendPermit?> OfThisAttempt = new();

    private int _used;
    private int _sentOtherContent;

    /// <summary>Whether something else than the attempt's own content was sent in its place, so that the content's own mark says nothing.</summary>
    public bool SentOtherContent => Volatile.Read(ref _sentOtherContent) != 0;

    /// <summary>Makes this the permit of what the current method goes on to do.</summary>
    public void Enter() => OfThisAttempt.Value = this;

    /// <summary>Whether a request may be sent: the first of its attempt, or one that is none of ours.</summary>
    public static bool TryUse(HttpContent? content)
    {
        if ((OfThisAttempt.Value ?? (content as SingleUseContent)?.Permit) is not { } permit) return true;
        if (Interlocked.Exchange(ref permit._used, 1) != 0) return false;
        if (content is not SingleUseContent) Volatile.Write(ref permit._sentOtherContent, 1);
        return true;
    }
}
