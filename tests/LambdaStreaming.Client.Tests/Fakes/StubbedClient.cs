using System.Net;
using Amazon;
using Amazon.Runtime;

namespace LambdaStreaming.Tests;

/// <summary>A client whose HTTP is answered in the process, for what needs no socket.</summary>
public sealed class StubbedClient(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
{
    public List<HttpRequestMessage> Requests { get; } = [];

    public static LambdaStreamingClientOptions Options() => new()
    {
        Region = RegionEndpoint.USEast1,
        Credentials = new BasicAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    };

    /// <summary>Answers 200 with an event stream.</summary>
    public static LambdaStreamingClient Streaming(Stream body, LambdaStreamingClientOptions? options = null) => Create(_ => Answer(body), options);

    public static LambdaStreamingClient Create(Func<HttpRequestMessage, HttpResponseMessage> answer, LambdaStreamingClientOptions? options = null) =>
        new(options ?? Options(), new HttpClient(new StubbedClient(answer)));

    /// <summary>Sends by <paramref name="send"/>, which must take the content itself.</summary>
    public static LambdaStreamingClient Sending(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send, Action<LambdaStreamingClientOptions>? configure = null, TimeSpan? httpTimeout = null)
    {
        var options = Options();
        configure?.Invoke(options);
        var http = new HttpClient(new Sender(send));
        if (httpTimeout is { } timeout) http.Timeout = timeout;
        return new LambdaStreamingClient(options, http);
    }

    public static HttpResponseMessage Answer(Stream body, HttpStatusCode status = HttpStatusCode.OK, params (string Name, string Value)[] headers)
    {
        var response = new HttpResponseMessage(status) { Content = new StreamContent(body) };
        if (headers.Length == 0) headers = [("Content-Type", "application/vnd.amazon.eventstream"), ("x-amzn-RequestId", "0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11"), ("X-Amz-Executed-Version", "$LATEST")];
        foreach (var (name, value) in headers)
        {
            if (!response.Headers.TryAddWithoutValidation(name, value)) response.Content.Headers.TryAddWithoutValidation(name, value);
        }

        return response;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Requests.Add(request);
        if (request.Content is not null) await request.Content.CopyToAsync(Stream.Null, cancellationToken);
        return answer(request);
    }

    private sealed class Sender(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => send(request, cancellationToken);
    }
}

/// <summary>A body that is opened as <paramref name="open"/> says: what some handler of a caller's <see cref="HttpClient"/> may put in the place of the platform's.</summary>
internal sealed class OpenedContent(Func<Task<Stream>> open) : HttpContent
{
    protected override Task<Stream> CreateContentReadStreamAsync() => open();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new NotSupportedException();

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
