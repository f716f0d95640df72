using System.Net;
using LambdaStreaming.Payload;

namespace LambdaStreaming;

/// <summary>The answer of a function that speaks HTTP: what function URLs and API Gateway would have made of it. Its head is there; its body is read once, while it is being made.</summary>
/// <remarks>The readers of this type read the body. Disposing it disposes the <see cref="InvokeWithResponseStreamResponse"/> that it came from, which tells how the function ended.</remarks>
public sealed class HttpIntegrationResponse : ResponsePayload
{
    private readonly InvokeWithResponseStreamResponse _response;
    private readonly PayloadSegmentReader _cursor;
    private readonly HttpPreludeMetadata _head;
    private int _opened;
    private volatile bool _isDisposed;

    internal HttpIntegrationResponse(InvokeWithResponseStreamResponse response, PayloadSegmentReader cursor, HttpPreludeMetadata? head = null)
    {
        _response = response;
        _cursor = cursor;
        _head = head ?? new HttpPreludeMetadata();
        HasPrelude = head is not null;
    }

    /// <summary>Whether the answer had a prelude. Without one the whole answer is the body, and the head has its defaults.</summary>
    public bool HasPrelude { get; }

    /// <summary>The status code of the prelude.</summary>
    /// <value>100 to 999. Default: 200, if the prelude has no <c>statusCode</c>, or if there is no prelude.</value>
    public HttpStatusCode StatusCode => _head.StatusCode;

    /// <summary>All headers of the prelude, by name, ignoring case.</summary>
    /// <value>
    /// The same headers as in <see cref="MultiValueHeaders"/>; several values of a header are joined by <c>", "</c>, which
    /// RFC 9110, 5.3, allows for every header but <c>Set-Cookie</c>: read <see cref="Cookies"/> instead.
    /// </value>
    public IReadOnlyDictionary<string, string> Headers => _head.Headers;

    /// <summary>All headers of the prelude with their values, by name, ignoring case.</summary>
    /// <value>
    /// The headers of <c>headers</c> and of <c>multiValueHeaders</c>. If a name is in both, the values of
    /// <c>multiValueHeaders</c> are used. A header without a value (<see langword="null"/>, or an empty list) is omitted.
    /// </value>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> MultiValueHeaders => _head.MultiValueHeaders;

    /// <summary>The values of all <c>Set-Cookie</c> headers, each once.</summary>
    /// <value>
    /// Those of <c>cookies</c>, then of <c>headers</c>, then of <c>multiValueHeaders</c>, whatever the case of the name.
    /// </value>
    /// <remarks>
    /// <see cref="Headers"/> and <see cref="MultiValueHeaders"/> contain <c>Set-Cookie</c> if the function wrote it as a
    /// header. To forward a response, copy every header but <c>Set-Cookie</c>, and then these values.
    /// </remarks>
    public IReadOnlyList<string> Cookies => _head.Cookies;

    /// <summary>The body as a stream; the same one each time. It is the one reading of the body, so use it or another reader.</summary>
    /// <exception cref="InvalidOperationException">The body was read otherwise before.</exception>
    public Stream Body => field ??= AsStream();

    /// <summary>Disposes the response that this came from: the connection is freed.</summary>
    public override void Dispose()
    {
        _isDisposed = true;
        _response.Dispose();
    }

    private protected override PayloadSegmentReader OpenOnce()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (Interlocked.Exchange(ref _opened, 1) == 0) return _cursor;
        throw new InvalidOperationException("This body was read before, or is being read. It comes from the connection while it is being made, so it can be read only once; keep copies of what is needed again.");
    }
}
