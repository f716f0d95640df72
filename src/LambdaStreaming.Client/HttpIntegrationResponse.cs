using System.Net;
using LambdaStreaming.Payload;

namespace LambdaStreaming;

/// <summary>An HTTP response from a function that uses Lambda's HTTP integration.</summary>
/// <remarks>
/// Status, headers and cookies are those of the HTTP prelude: JSON that the function sends before the body. The HTTP
/// prelude has already been received. The body can be read once, as the function produces it, with the readers of this
/// type. Disposing this object also disposes the <see cref="InvokeWithResponseStreamResponse"/> from which it was read.
/// The property <see cref="InvokeWithResponseStreamResponse.InvokeComplete"/> of that response reports how the function
/// ended.
/// </remarks>
public sealed class HttpIntegrationResponse : ResponsePayload
{
    private readonly InvokeWithResponseStreamResponse _response;
    private readonly PayloadSegmentReader _reader;
    private readonly HttpPreludeMetadata _metadata;
    private int _isOpened;
    private volatile bool _isDisposed;

    internal HttpIntegrationResponse(
        InvokeWithResponseStreamResponse response,
        PayloadSegmentReader reader,
        HttpPreludeMetadata? metadata = null)
    {
        _response = response;
        _reader = reader;
        _metadata = metadata ?? new HttpPreludeMetadata();
        HasPrelude = metadata is not null;
    }

    /// <summary>Whether the response began with an HTTP prelude.</summary>
    /// <value>
    /// If <see langword="false"/>, the complete response is the body; the status is 200 and the headers are empty.
    /// </value>
    public bool HasPrelude { get; }

    /// <summary>The status code in the HTTP prelude.</summary>
    /// <value>100 to 999. Default: 200, if there is not an HTTP prelude with <c>statusCode</c>.</value>
    public HttpStatusCode StatusCode => _metadata.StatusCode;

    /// <summary>The headers in the HTTP prelude, with case-insensitive names.</summary>
    /// <value>
    /// The same headers as in <see cref="MultiValueHeaders"/>, with the values of a header joined by <c>", "</c>.
    /// RFC 9110, 5.3, allows joining for every header except <c>Set-Cookie</c>: for that header, use
    /// <see cref="Cookies"/>.
    /// </value>
    public IReadOnlyDictionary<string, string> Headers => _metadata.Headers;

    /// <summary>The headers in the HTTP prelude with all their values, with case-insensitive names.</summary>
    /// <value>
    /// The headers from the members <c>headers</c> and <c>multiValueHeaders</c> of the HTTP prelude. If a name is in
    /// both, the values from <c>multiValueHeaders</c> are used. A header without a value (<see langword="null"/>, or an
    /// empty list) is omitted.
    /// </value>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> MultiValueHeaders => _metadata.MultiValueHeaders;

    /// <summary>The distinct values of all <c>Set-Cookie</c> headers.</summary>
    /// <value>
    /// The values from the members <c>cookies</c>, then <c>headers</c>, then <c>multiValueHeaders</c> of the HTTP
    /// prelude. The header's name is case-insensitive.
    /// </value>
    /// <remarks>
    /// <see cref="Headers"/> and <see cref="MultiValueHeaders"/> contain <c>Set-Cookie</c> if the function wrote it as
    /// a header. To forward a response, copy every header except <c>Set-Cookie</c>, and then add these values.
    /// </remarks>
    public IReadOnlyList<string> Cookies => _metadata.Cookies;

    /// <summary>The body as a stream.</summary>
    /// <value>The same stream on each access.</value>
    /// <remarks>The body can be read once: use either this stream or another reader.</remarks>
    /// <exception cref="InvalidOperationException">Another reader has read the body, or is reading it.</exception>
    /// <exception cref="ObjectDisposedException">The response was disposed before the first access.</exception>
    public Stream Body => field ??= AsStream();

    /// <summary>Disposes the response that this object was read from, which frees the connection.</summary>
    public override void Dispose()
    {
        _isDisposed = true;
        _response.Dispose();
    }

    private protected override PayloadSegmentReader OpenOnce()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return Interlocked.Exchange(ref _isOpened, 1) == 0 ? _reader : throw CreateAlreadyReadException();
    }

    private static InvalidOperationException CreateAlreadyReadException() => new(
        "The body has already been read, or is being read. It can be read only once. Keep copies of data that you need "
        + "again.");
}
