using System.Net;
using Amazon;
using Amazon.Runtime;

namespace LambdaStreaming.Tests;

/// <summary>An HTTP handler that responds in process, and clients that use it.</summary>
public sealed class StubbedClient(Func<HttpRequestMessage, HttpResponseMessage> respond) : HttpMessageHandler
{
    private static readonly (string Name, string Value)[] DefaultHeaders =
    [
        ("Content-Type", "application/vnd.amazon.eventstream"),
        ("x-amzn-RequestId", "0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11"),
        ("X-Amz-Executed-Version", "$LATEST"),
    ];

    public List<HttpRequestMessage> Requests { get; } = [];

    public static LambdaStreamingClientOptions Options() => new()
    {
        Region = RegionEndpoint.USEast1,
        Credentials = new BasicAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),

        // The default of 5 s is too short. Tests with a local server also use these options, and on a busy machine,
        // even a connection on loopback can take longer. A test clock does not help: this timeout always uses the
        // system clock.
        ConnectTimeout = TimeSpan.FromSeconds(60),
    };

    /// <summary>Creates a client whose responses have HTTP status 200 and the given body.</summary>
    public static LambdaStreamingClient Streaming(Stream body, LambdaStreamingClientOptions? options = null) =>
        Create(_ => CreateResponse(body), options);

    public static LambdaStreamingClient Create(
        Func<HttpRequestMessage, HttpResponseMessage> respond,
        LambdaStreamingClientOptions? options = null) =>
        new(options ?? Options(), new HttpClient(new StubbedClient(respond)));

    /// <summary>Creates a client whose requests are passed to <paramref name="send"/>.</summary>
    /// <remarks>
    /// Unlike <see cref="Create"/>, it does not read the content of a request. To simulate that the request was sent,
    /// <paramref name="send"/> must read the content; otherwise, the client regards a request with a payload as not
    /// sent.
    /// </remarks>
    public static LambdaStreamingClient Sending(
        Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send,
        Action<LambdaStreamingClientOptions>? configure = null,
        TimeSpan? httpTimeout = null)
    {
        var options = Options();
        configure?.Invoke(options);
        var http = new HttpClient(new Sender(send));
        if (httpTimeout is { } timeout) http.Timeout = timeout;
        return new LambdaStreamingClient(options, http);
    }

    public static HttpResponseMessage CreateResponse(
        Stream body,
        HttpStatusCode status = HttpStatusCode.OK,
        params (string Name, string Value)[] headers)
    {
        var response = new HttpResponseMessage(status) { Content = new StreamContent(body) };
        foreach (var (name, value) in headers.Length > 0 ? headers : DefaultHeaders)
        {
            if (!response.Headers.TryAddWithoutValidation(name, value))
                response.Content.Headers.TryAddWithoutValidation(name, value);
        }

        return response;
    }

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken)
    {
        Requests.Add(request);
        if (request.Content is not null) await request.Content.CopyToAsync(Stream.Null, cancellationToken);
        return respond(request);
    }

    private sealed class Sender(
        Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken) => send(request, cancellationToken);
    }
}

/// <summary>
/// Content whose stream is opened by a function. A handler of the caller's <see cref="HttpClient"/> can return such
/// content.
/// </summary>
internal sealed class OpenedContent(Func<Task<Stream>> open) : HttpContent
{
    protected override Task<Stream> CreateContentReadStreamAsync() => open();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        throw new NotSupportedException();

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
