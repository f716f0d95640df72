namespace LambdaStreaming.Invocation;

/// <summary>The one send of one attempt. It travels with the attempt's flow, because copies of a request need not carry anything of the original but what makes it run: address and signature.</summary>
internal sealed class SendPermit
{
    // Not the content itself: whatever captures the flow, such as a connection that lives on, would keep the payload.
    private static readonly AsyncLocal<SendPermit?> OfThisAttempt = new();

    // Most handlers that copy a request copy these too, also where they send it from another flow.
    private static readonly HttpRequestOptionsKey<SendPermit> OfThisRequest = new("LambdaStreaming.SendPermit");

    private string? _authorization;
    private int _used;
    private int _copySends;

    /// <summary>Whether a <see cref="SendOnceHandler"/> let the attempt pass: then the mark of what it let pass says whether sending began.</summary>
    public bool IsUsed => Volatile.Read(ref _used) != 0;

    /// <summary>Whether any part may have left of what was sent in the place of the attempt's own content.</summary>
    public bool CopySendingBegan => Volatile.Read(ref _copySends) != 0;

    /// <summary>Makes this the permit of what the current method goes on to do with <paramref name="request"/>, which is signed.</summary>
    public void Enter(HttpRequestMessage request)
    {
        _authorization = AuthorizationOf(request);
        request.Options.Set(OfThisRequest, this);
        OfThisAttempt.Value = this;
    }

    /// <summary>Whether a request may be sent: the first of its attempt, or one that is none of ours. What is sent of ours can be sent once, whatever content a handler has given it.</summary>
    public static bool TryUse(HttpRequestMessage request)
    {
        var own = request.Content as SingleUseContent;
        // The flow comes last: a worker that was started within an earlier call still carries that call's.
        if ((own?.Permit ?? (request.Options.TryGetValue(OfThisRequest, out var ofRequest) ? ofRequest : OfThisAttempt.Value)) is not { } permit || (own is null && !permit.IsOfItsCall(request))) return true;
        if (Interlocked.Exchange(ref permit._used, 1) != 0) return false;
        if (own is { SendingBegan: false }) return true;

        // Its own content has been read into memory, or it has another one: both could be sent again. Redirects, and the platform's own resend of a request without content, happen below the handler that asks here.
        request.Content = new SingleUseCopy(request.Content, permit);
        return true;
    }

    /// <summary>Whether this is the first send of what stands in the place of the attempt's own content.</summary>
    public bool BeginCopy() => Interlocked.Exchange(ref _copySends, 1) == 0;

    // Without the signature the service runs nothing. A handler's own request, such as one that fetches a token, has another or none.
    private bool IsOfItsCall(HttpRequestMessage request) => _authorization is null || AuthorizationOf(request) == _authorization;

    private static string? AuthorizationOf(HttpRequestMessage request) => request.Headers.NonValidated.TryGetValues("Authorization", out var values) ? values.ToString() : null;
}
