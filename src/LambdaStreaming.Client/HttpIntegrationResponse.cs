using System.Net;
using LambdaStreaming.Payload;

namespace LambdaStreaming;

/// <summary>The answer of a function that speaks HTTP: what function URLs and API Gateway would have made of it. Its head is there; its body is read once, while it is being made.</summary>
/// <remarks>The readers of this type read the body. Disposing it disposes the <see cref="InvokeWithResponseStreamResponse"/> that it came from, which tells how the function ended.</remarks>
public sealed class HttpIntegrationResponse : ResponsePayload
{
    private readonly InvokeWithResponseStreamResponse _response;
    private readonly PayloadCursor _cursor;
    private readonly HttpIntegrationHead _head;
    private int _opened;
    private volatile bool _isDisposed;

    internal HttpIntegrationResponse(InvokeWithResponseStreamResponse response, PayloadCursor cursor, HttpIntegrationHead? head = null)
    {
        _response = response;
        _cursor = cursor;
        _head = head ?? new HttpIntegrationHead();
        HasPrelude = head is not null;
    }

    /// <summary>Whether the answer had a prelude. Without one the whole answer is the body, and the head has its defaults.</summary>
    public bool HasPrelude { get; }

    /// <summary>The status that the function gave.</summary>
    /// <value>Default: 200.</value>
    public HttpStatusCode StatusCode => _head.StatusCode;

    /// <summary>The headers with one value, by name, in any case.</summary>
    public IReadOnlyDictionary<string, string> Headers => _head.Headers;

    /// <summary>The headers that the function gave as lists, or more than once in different case, by name, in any case. Lambda's own rule: where a name is in both, these hold.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> MultiValueHeaders => _head.MultiValueHeaders;

    /// <summary>The values of the <c>Set-Cookie</c> headers.</summary>
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

    private protected override PayloadCursor OpenOnce()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (Interlocked.Exchange(ref _opened, 1) == 0) return _cursor;
        throw new InvalidOperationException("This body was read before, or is being read. It comes from the connection while it is being made, so it can be read only once; keep copies of what is needed again.");
    }
}
