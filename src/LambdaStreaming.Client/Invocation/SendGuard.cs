using System.Collections.Concurrent;
using System.Globalization;

namespace LambdaStreaming.Invocation;

/// <summary>Specifies whether a request was sent, as far as this library can determine.</summary>
internal enum SendState
{
    /// <summary>Nothing was sent.</summary>
    NotSent,

    /// <summary>Not known: handlers of the caller might have sent a request that has no payload.</summary>
    /// <remarks>
    /// No <see cref="SendOnceHandler"/> has received the request, so a handler might have sent it without reading the
    /// content. A read of the content is how this library detects a send.
    /// </remarks>
    MaybeSent,

    /// <summary>The request counts as sent.</summary>
    /// <remarks>
    /// The content was requested. .NET requests it only after it has connected and written the headers; a handler that
    /// buffers the content requests it earlier.
    /// </remarks>
    Sent,
}

/// <summary>Allows one send of an attempt's request, and records whether the request was sent.</summary>
/// <remarks>
/// Handlers outside a <see cref="SendOnceHandler"/> can replace the request with copies. A copy needs the headers of
/// the original, because they include the signature. <see cref="TryPass"/> therefore finds the guard of a copy by two
/// of these headers: the invocation id and the number of the attempt.
/// </remarks>
/// <param name="attempt">The attempt.</param>
/// <param name="handlersCanBypassGuard">See <see cref="RequestSender.HandlersCanBypassGuard"/>.</param>
internal sealed class SendGuard(InvocationAttempt attempt, bool handlersCanBypassGuard)
{
    /// <summary>
    /// Name of the header with an id that is the same for all attempts of an invocation. Source: the AWS SDKs.
    /// </summary>
    public const string InvocationIdHeader = "amz-sdk-invocation-id";

    /// <summary>Name of the header with the number of the attempt. Source: the AWS SDKs.</summary>
    public const string AttemptHeader = "amz-sdk-request";

    private static readonly ConcurrentDictionary<(string InvocationId, string Attempt), SendGuard> Registered = new();

    // All ids of this process begin with this part. A request with such an id but without a registered guard is a late
    // copy of an ended attempt. TryPass blocks it, but lets requests without such an id pass.
    private static readonly string ProcessPart = Guid.NewGuid().ToString()[..19];

    private static long _lastId;

    // Bits of _content. After Closed, Requested is not set any more.
    private const int Requested = 1;
    private const int Closed = 2;

    // _passed is 1 after TryPass has let a request of the attempt pass, _isHandedOver after MarkHandedOver.
    private int _content;
    private int _passed;
    private int _isHandedOver;
    private volatile bool _isBlockedByProxy;

    /// <summary>Whether the request was sent.</summary>
    public SendState State =>
        _isBlockedByProxy ? SendState.NotSent
        : (Volatile.Read(ref _content) & Requested) != 0 ? SendState.Sent
        : WasPassedToHandlers && Volatile.Read(ref _passed) == 0 ? SendState.MaybeSent
        : SendState.NotSent;

    private bool WasPassedToHandlers => handlersCanBypassGuard && Volatile.Read(ref _isHandedOver) != 0;

    /// <summary>Creates a unique id, in the format of a UUID, that <see cref="TryPass"/> recognizes.</summary>
    public static string CreateInvocationId()
    {
        // Another random number would be a system call for each invocation.
        var number = Interlocked.Increment(ref _lastId);
        return string.Create(
            CultureInfo.InvariantCulture, $"{ProcessPart}{number >> 48 & 0xFFFF:x4}-{number & 0xFFFF_FFFF_FFFF:x12}");
    }

    /// <summary>Decides whether a request can be sent.</summary>
    /// <remarks>
    /// Requests that this library did not create always pass. A request of this library passes once per attempt. If a
    /// handler has buffered or replaced its content, the content is wrapped so that it can be sent only once.
    /// </remarks>
    public static bool TryPass(HttpRequestMessage request)
    {
        var content = request.Content as SingleSendContent;
        var guard = content?.Guard;
        if (guard is null)
        {
            if (!TryGetKey(request, out var key)) return true;
            if (!Registered.TryGetValue(key, out guard)) return false;
        }

        if (Interlocked.Exchange(ref guard._passed, 1) != 0) return false;

        // If a handler has buffered or replaced the content, wrap it, because .NET's inner handlers can follow
        // redirects and send again without calling TryPass.
        if (content is null or { IsRequested: true }) request.Content = new SingleSendContent(request.Content, guard);

        // .NET would send such a request several times. See SingleSendContent.TryComputeLength.
        if (request is { Headers.ExpectContinue: true, Content.Headers.ContentLength: 0 })
            request.Headers.ExpectContinue = false;
        return true;
    }

    /// <summary>
    /// Registers the guard until the result is disposed. A <see cref="SendOnceHandler"/> finds it by the headers.
    /// </summary>
    public Registration Register()
    {
        var key = (attempt.Invocation.Id, attempt.Header);
        Registered[key] = this;
        return new Registration(key);
    }

    /// <summary>Records that the request is passed to the <see cref="HttpClient"/>.</summary>
    /// <exception cref="OperationCanceledException">The invocation has ended.</exception>
    public void MarkHandedOver()
    {
        Interlocked.Exchange(ref _isHandedOver, 1);
        ThrowIfEnded();
    }

    /// <summary>Records that the content was requested.</summary>
    /// <exception cref="OperationCanceledException">The attempt or the invocation has ended.</exception>
    public void MarkContentRead()
    {
        var before = Interlocked.CompareExchange(ref _content, Requested, 0);
        if ((before & Closed) != 0) throw CreateEndedException();
        ThrowIfEnded();
    }

    /// <summary>Ends the attempt, so that a handler that still runs can no longer send its content.</summary>
    /// <remarks>
    /// <see cref="State"/> does not become <see cref="SendState.Sent"/> after that, so another attempt can be sent.
    /// </remarks>
    public void Close() => Interlocked.Or(ref _content, Closed);

    /// <summary>Records that a proxy rejected the request instead of forwarding it.</summary>
    public void MarkBlockedByProxy() => _isBlockedByProxy = true;

    private void ThrowIfEnded()
    {
        if (attempt.Invocation.HasEnded) throw CreateEndedException();
    }

    private static OperationCanceledException CreateEndedException() =>
        new("The attempt or its invocation has ended, so it is no longer sent.");

    private static bool TryGetKey(HttpRequestMessage request, out (string InvocationId, string Attempt) key)
    {
        key = default;
        var headers = request.Headers.NonValidated;
        if (!headers.TryGetValues(InvocationIdHeader, out var id)) return false;
        if (!headers.TryGetValues(AttemptHeader, out var number)) return false;
        key = (id.ToString(), number.ToString());
        return key.InvocationId.StartsWith(ProcessPart, StringComparison.Ordinal);
    }

    /// <summary>The registration of a guard. Its disposal removes the guard.</summary>
    public readonly struct Registration((string InvocationId, string Attempt) key) : IDisposable
    {
        public void Dispose() => Registered.TryRemove(key, out _);
    }
}
