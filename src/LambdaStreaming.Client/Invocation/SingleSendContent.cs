using System.Net;
using System.Net.Http.Headers;

namespace LambdaStreaming.Invocation;

/// <summary>A request content that can be sent once: the payload, or content that a handler set instead.</summary>
/// <remarks>A second send, by a handler or by .NET, fails, because the function could run twice.</remarks>
internal sealed class SingleSendContent : HttpContent
{
    private readonly HttpContent? _content;
    private ReadOnlyMemory<byte> _payload;
    private SendGuard? _guard;
    private HttpRequestHeaders? _requestHeaders;
    private int _requests;

    public SingleSendContent(ReadOnlyMemory<byte> payload, SendGuard guard, HttpRequestHeaders requestHeaders)
    {
        _payload = payload;
        _guard = guard;
        _requestHeaders = requestHeaders;

        // As text, because a MediaTypeHeaderValue can be changed by handlers, and requests must not share it.
        // Source: the JavaScript, Go and Rust SDKs send this type to the live service.
        Headers.TryAddWithoutValidation("Content-Type", "application/octet-stream");
    }

    // For content that a handler set instead of the payload. It is null if the handler removed the payload.
    public SingleSendContent(HttpContent? content, SendGuard guard)
    {
        _content = content;
        _guard = guard;
        if (content is null) return;
        foreach (var (name, values) in content.Headers.NonValidated)
        {
            // Not copied, because TryComputeLength provides the length.
            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) continue;
            Headers.TryAddWithoutValidation(name, values);
        }
    }

    /// <summary>The guard of the attempt; <see langword="null"/> after the request was disposed.</summary>
    public SendGuard? Guard => _guard;

    /// <summary>Whether the bytes were requested.</summary>
    public bool IsRequested => Volatile.Read(ref _requests) != 0;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(
        Stream stream,
        TransportContext? context,
        CancellationToken cancellationToken)
    {
        BeginRead();
        return _content is null
            ? stream.WriteAsync(_payload, cancellationToken).AsTask()
            : _content.CopyToAsync(stream, context, cancellationToken);
    }

    // For handlers that read the content synchronously.
    protected override void SerializeToStream(
        Stream stream,
        TransportContext? context,
        CancellationToken cancellationToken)
    {
        BeginRead();
        if (_content is null) stream.Write(_payload.Span);
        else _content.CopyTo(stream, context, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        // Without a payload, the headers are the complete request, which must not have Expect: 100-continue. If the
        // connection closes without a response, .NET sends a request with it up to three more times, and does not ask
        // for the content. .NET asks for the length after HttpClient has added its default headers, and before they are
        // written. Without a SendOnceHandler, this is the only opportunity to change them.
        // Source: RFC 9110, section 10.1.1; dotnet/runtime, HttpConnection.SendAsync, _canRetry.
        if (_payload.IsEmpty && _requestHeaders is { ExpectContinue: true }) _requestHeaders.ExpectContinue = false;
        length = _content is null ? _payload.Length : _content.Headers.ContentLength ?? 0;
        return _content is null || _content.Headers.ContentLength is not null;
    }

    private void BeginRead()
    {
        if (Interlocked.Exchange(ref _requests, 1) != 0) throw new DuplicateSendException();
        _guard!.MarkContentRead();
    }

    // The connection refers to its request until the response has been read, but the payload must not stay alive that
    // long.
    // Source: dotnet/runtime, HttpConnection._currentRequest.
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _payload = default;
            _guard = null;
            _requestHeaders = null;
            _content?.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>A handler attempted to send a request a second time.</summary>
internal sealed class DuplicateSendException() : InvalidOperationException(
    "An HTTP handler attempted to send the request a second time. The attempt was blocked, because the function could "
    + "run twice.");

/// <summary>A handler followed a redirect.</summary>
internal sealed class RedirectFollowedException(Uri? target)
    : InvalidOperationException("An HTTP handler followed a redirect.")
{
    public Uri? Target { get; } = target;
}
