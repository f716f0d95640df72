using System.Net;
using System.Net.Http.Headers;

namespace LambdaStreaming.Invocation;

/// <summary>A request content that can be sent once: the payload, or what a handler has put in its place.</summary>
/// <remarks>A handler that sends the request again fails, as does .NET itself: the function could run twice.</remarks>
internal sealed class SingleSendContent : HttpContent
{
    // Source: what the JavaScript, Go and Rust SDKs send to the live service.
    private static readonly MediaTypeHeaderValue OctetStream = new("application/octet-stream");

    private readonly HttpContent? _content;
    private ReadOnlyMemory<byte> _payload;
    private SendGuard? _guard;
    private int _requests;

    public SingleSendContent(ReadOnlyMemory<byte> payload, SendGuard guard)
    {
        _payload = payload;
        _guard = guard;
        Headers.ContentType = OctetStream;
    }

    /// <param name="content">What a handler has put in place of the payload; it may leave an empty one out.</param>
    /// <param name="guard">The guard of the attempt.</param>
    public SingleSendContent(HttpContent? content, SendGuard guard)
    {
        _content = content;
        _guard = guard;
        if (content is null) return;
        foreach (var (name, values) in content.Headers.NonValidated)
        {
            // The length is computed again.
            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) continue;
            Headers.TryAddWithoutValidation(name, values);
        }
    }

    /// <summary>The guard of the attempt; <see langword="null"/> once the request is disposed.</summary>
    public SendGuard? Guard => _guard;

    /// <summary>Whether the bytes were asked for.</summary>
    public bool IsRequested => Volatile.Read(ref _requests) != 0;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(
        Stream stream,
        TransportContext? context,
        CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _requests, 1) != 0) throw new DuplicateSendException();
        _guard!.RequestContent();
        return _content is null
            ? stream.WriteAsync(_payload, cancellationToken).AsTask()
            : _content.CopyToAsync(stream, context, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _content is null ? _payload.Length : _content.Headers.ContentLength ?? 0;
        return _content is null || _content.Headers.ContentLength is not null;
    }

    // The connection refers to its request until the response has been read: it must not keep the payload.
    // Source: dotnet/runtime, HttpConnection._currentRequest.
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _payload = default;
            _guard = null;
            _content?.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>A handler tried to send a request again.</summary>
internal sealed class DuplicateSendException() : InvalidOperationException(
    "A handler below this client tried to send the request a second time; that was refused, "
    + "because the function could run twice.");

/// <summary>A handler followed a redirect.</summary>
internal sealed class RedirectFollowedException(Uri? target)
    : InvalidOperationException("A handler below this client followed a redirect.")
{
    public Uri? Target { get; } = target;
}
