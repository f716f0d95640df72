using System.Net;
using System.Net.Http.Headers;

namespace LambdaStreaming.Invocation;

/// <summary>A request's payload that can be sent once. A handler that tries to send the request again, seen or unseen, fails instead of running the function twice.</summary>
internal sealed class SingleUseContent : HttpContent
{
    private static readonly MediaTypeHeaderValue OctetStream = new("application/octet-stream");

    private readonly ReadOnlyMemory<byte> _payload;
    private readonly InvocationCall _call;
    private readonly bool _canBeSentUnseen;
    private SendPermit? _permit;
    private int _sends;

    /// <param name="call">The call that this is an attempt of.</param>
    /// <param name="canBeSentUnseen">Whether handlers of a caller may send the request without asking for an empty content.</param>
    public SingleUseContent(InvocationCall call, bool canBeSentUnseen)
    {
        _call = call;
        _payload = call.Request.Payload;
        _canBeSentUnseen = canBeSentUnseen && _payload.IsEmpty;
        // Source: what the JavaScript, Go and Rust SDKs send to the live service.
        Headers.ContentType = OctetStream;
    }

    /// <summary>Whether any part of the request may have left: the head is written just before this content is asked for.</summary>
    public bool SendingBegan => Volatile.Read(ref _sends) > 0 || _permit is { CopySendingBegan: true };

    /// <summary>The attempt before this one.</summary>
    public SingleUseContent? Previous { get; set; }

    /// <summary>Whether the request may have left, as far as can be seen.</summary>
    public bool MayHaveBeenSent => SendingBegan || (_canBeSentUnseen && IsHandedOver && !Permit.IsUsed);

    /// <summary>Whether the request was given to the <see cref="HttpClient"/>.</summary>
    public bool IsHandedOver { get; set; }

    /// <summary>Whether this attempt may have run the function, once its end says so; <see langword="null"/> before.</summary>
    public bool? MayHaveRun { get; set; }

    /// <summary>The permit of the attempt that this content was made for. Only a caller's HttpClient has handlers that need one.</summary>
    public SendPermit Permit => _permit ??= new SendPermit();

    public bool IsEmpty => _payload.IsEmpty;

    /// <summary>For a head that may have left without this content being asked for.</summary>
    public void MarkSendingBegan() => Volatile.Write(ref _sends, 1);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _sends, 1) != 0)
            throw new SecondSendException();
        // A pipeline may leave an attempt behind. The exception of the call has told by now what may have run.
        if (_call.HasEnded) throw new OperationCanceledException("The call has ended; this attempt must not be sent any more.");
        return stream.WriteAsync(_payload, cancellationToken).AsTask();
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _payload.Length;
        return true;
    }
}

/// <summary>What a handler has put in the place of a request's payload; it can be sent once too.</summary>
internal sealed class SingleUseCopy : HttpContent
{
    private readonly HttpContent _content;
    private readonly SendPermit _permit;

    /// <param name="content">May be null, where a handler has left an empty payload out.</param>
    /// <param name="permit">That of the attempt.</param>
    public SingleUseCopy(HttpContent? content, SendPermit permit)
    {
        _content = content ?? new ByteArrayContent([]);
        _permit = permit;
        foreach (var (name, values) in _content.Headers.NonValidated)
        {
            // Computed anew from the content.
            if (!name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) Headers.TryAddWithoutValidation(name, values);
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        _permit.BeginCopy() ? _content.CopyToAsync(stream, context, cancellationToken) : Task.FromException(new SecondSendException());

    protected override bool TryComputeLength(out long length)
    {
        length = _content.Headers.ContentLength ?? 0;
        return _content.Headers.ContentLength is not null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _content.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Something below this library tried to send a request again.</summary>
internal sealed class SecondSendException() : InvalidOperationException("A handler below this client tried to send the request a second time; that was refused, because the function could run twice.");

/// <summary>Something below this library followed a redirect.</summary>
internal sealed class RedirectFollowedException(Uri? target) : InvalidOperationException("A handler below this client followed a redirect.")
{
    public Uri? Target { get; } = target;
}
