namespace LambdaStreaming.Http;

/// <summary>The one send of one attempt. It travels with the attempt's flow, because copies of a request need not carry anything of the original but what makes it run: address and signature.</summary>
internal sealed class SendPermit
{
    // Not the content itself: whatever captures the flow, such as a connection that lives on, would keep the payload.
    private static readonly AsyncLocal<SendPermit?> OfThisAttempt = new();

    private string? _authorization;
    private int _used;
    private int _sentOtherContent;

    /// <summary>Whether something else than the attempt's own content was sent in its place, so that the content's own mark says nothing.</summary>
    public bool SentOtherContent => Volatile.Read(ref _sentOtherContent) != 0;

    /// <summary>Whether a <see cref="SendOnceHandler"/> saw the attempt's own content go out, whose mark then says all.</summary>
    public bool SentOwnContent => Volatile.Read(ref _used) != 0 && !SentOtherContent;

    /// <summary>Makes this the permit of what the current method goes on to do with <paramref name="request"/>, which is signed.</summary>
    public void Enter(HttpRequestMessage request)
    {
        _authorization = AuthorizationOf(request);
        OfThisAttempt.Value = this;
    }

    /// <summary>Whether a request may be sent: the first of its attempt, or one that is none of ours. What is sent of ours can be sent once, whatever content a handler has given it.</summary>
    public static bool TryUse(HttpRequestMessage request)
    {
        var own = request.Content as SingleUseContent;
        if ((OfThisAttempt.Value ?? own?.Permit) is not { } permit || (own is null && !permit.IsOfItsCall(request))) return true;
        if (Interlocked.Exchange(ref permit._used, 1) != 0) return false;
        if (own is { SendingBegan: false }) return true;

        // Its own content has been read into memory, or it has another one: both could be sent again. Redirects, and the platform's own resend of a request without content, happen below the handler that asks here.
        request.Content = request.Content is { } other ? new SingleUseCopy(other) : new SingleUseContent(default);
        Volatile.Write(ref permit._sentOtherContent, 1);
        return true;
    }

    // Without the signature the service runs nothing. A handler's own request, such as one that fetches a token, has another or none.
    private bool IsOfItsCall(HttpRequestMessage request) => _authorization is null || AuthorizationOf(request) == _authorization;

    private static string? AuthorizationOf(HttpRequestMessage request) => request.Headers.NonValidated.TryGetValues("Authorization", out var values) ? values.ToString() : null;
}
