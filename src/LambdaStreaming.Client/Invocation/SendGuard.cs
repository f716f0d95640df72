using System.Collections.Concurrent;

namespace LambdaStreaming.Invocation;

/// <summary>Whether a request was sent, as far as this library can see.</summary>
internal enum SendState
{
    /// <summary>Nothing was sent.</summary>
    NotSent,

    /// <summary>Handlers of the caller may have sent the request without asking for its empty content.</summary>
    MaybeSent,

    /// <summary>The content was requested: the headers are sent just before that.</summary>
    Sent,
}

/// <summary>Lets an attempt be sent once, and knows whether it was.</summary>
/// <remarks>
/// Handlers above a <see cref="SendOnceHandler"/> can replace the request by copies. All copies have the headers of the
/// original, because the signature is among them, so that the guard is found by the headers of the attempt.
/// </remarks>
internal sealed class SendGuard(InvocationAttempt attempt, bool canBeSentUnseen)
{
    /// <summary>The same for all attempts of an invocation. Source: the AWS SDKs send it so.</summary>
    public const string InvocationIdHeader = "amz-sdk-invocation-id";

    /// <summary>Numbers the attempts of an invocation. Source: the AWS SDKs send it so.</summary>
    public const string AttemptHeader = "amz-sdk-request";

    private static readonly ConcurrentDictionary<(string InvocationId, string Attempt), SendGuard> Registered = new();

    // All ids of this process begin with this part: a copy that is sent late is not another client's request.
    private static readonly string ProcessPart = Guid.NewGuid().ToString()[..19];

    private int _contentRequested;
    private int _passed;
    private volatile bool _isHandedOver;
    private volatile bool _isKeptByProxy;

    /// <summary>Whether the request was sent.</summary>
    public SendState State =>
        _isKeptByProxy ? SendState.NotSent
        : Volatile.Read(ref _contentRequested) != 0 ? SendState.Sent
        : canBeSentUnseen && _isHandedOver && Volatile.Read(ref _passed) == 0 ? SendState.MaybeSent
        : SendState.NotSent;

    /// <summary>Creates a random id that <see cref="TryPass"/> recognises.</summary>
    public static string CreateInvocationId()
    {
        Span<char> id = stackalloc char[36];
        Guid.NewGuid().TryFormat(id, out _);
        ProcessPart.CopyTo(id);
        return new string(id);
    }

    /// <summary>Whether a request may be sent: once for each attempt, and always if it is not ours.</summary>
    /// <remarks>The content of a request that passes can be sent once, whatever a handler has put there.</remarks>
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
        if (content is { IsRequested: false }) return true;

        // The content was read into memory or replaced. Redirects, and repetitions of .NET itself, happen below.
        request.Content = new SingleSendContent(request.Content, guard);
        return true;
    }

    /// <summary>Makes the guard available to handlers of the caller, until the result is disposed.</summary>
    public Registration Register()
    {
        var key = (attempt.Invocation.Id, attempt.Header);
        Registered[key] = this;
        return new Registration(key);
    }

    /// <summary>Notes that the request was given to the <see cref="HttpClient"/>.</summary>
    public void HandOver() => _isHandedOver = true;

    /// <summary>Notes that the content was requested, or that the headers were sent and are all.</summary>
    /// <exception cref="OperationCanceledException">The invocation has ended.</exception>
    public void RequestContent()
    {
        Interlocked.Exchange(ref _contentRequested, 1);
        if (attempt.Invocation.HasEnded)
            throw new OperationCanceledException("The call has ended, so this attempt is not sent any more.");
    }

    /// <summary>Notes that a proxy refused the request instead of forwarding it.</summary>
    public void KeepByProxy() => _isKeptByProxy = true;

    private static bool TryGetKey(HttpRequestMessage request, out (string InvocationId, string Attempt) key)
    {
        key = default;
        var headers = request.Headers.NonValidated;
        if (!headers.TryGetValues(InvocationIdHeader, out var id)) return false;
        if (!headers.TryGetValues(AttemptHeader, out var number)) return false;
        key = (id.ToString(), number.ToString());
        return key.InvocationId.StartsWith(ProcessPart, StringComparison.Ordinal);
    }

    /// <summary>Removes the guard when it is disposed.</summary>
    public readonly struct Registration((string InvocationId, string Attempt) key) : IDisposable
    {
        public void Dispose() => Registered.TryRemove(key, out _);
    }
}
