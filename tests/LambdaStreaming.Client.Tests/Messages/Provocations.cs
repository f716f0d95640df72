using System.Net;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Failing calls that several areas use.</summary>
internal static class Provocations
{
    /// <summary>A request with a payload. Its content shows whether sending has begun.</summary>
    public static InvokeWithResponseStreamRequest Request { get; } =
        InvokeWithResponseStreamRequest.FromJson("my-function", "{}");

    public static LambdaRetryOptions NoRetry { get; } = new() { Policy = LambdaRetryPolicy.Never };

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Invokes, reads all chunks, and disposes the client.</summary>
    public static async Task ReadAsync(
        LambdaStreamingClient client,
        InvokeWithResponseStreamRequest? request = null,
        CancellationToken? cancellationToken = null)
    {
        using var owned = client;
        await using var response = await client.InvokeWithResponseStreamAsync(
            request ?? Request,
            cancellationToken ?? Token);
        await foreach (var chunk in response.ReadChunksAsync(CancellationToken.None))
        {
            Assert.InRange(chunk.Length, 0, 100);
        }
    }

    /// <summary>Reads a response with HTTP status 200.</summary>
    public static Task ReadAsync(params byte[] body) => ReadAsync(StubbedClient.Streaming(new MemoryStream(body)));

    /// <summary>Invokes a service that responds with a status and headers.</summary>
    public static Task FailAsync(int status, string body, params (string Name, string Value)[] headers) => ReadAsync(
        StubbedClient.Create(_ => Response(status, body, headers)),
        Request with { Retry = NoRetry });

    public static HttpResponseMessage Response(int status, string body, params (string Name, string Value)[] headers) =>
        StubbedClient.CreateResponse(
            new MemoryStream(System.Text.Encoding.UTF8.GetBytes(body)),
            (HttpStatusCode)status,
            [("x-amzn-RequestId", "r-1"), .. headers]);

    /// <summary>Creates a client whose handler requests the content, then fails.</summary>
    public static LambdaStreamingClient FailingAfterSending(
        Exception exception,
        TimeSpan? httpTimeout = null) => StubbedClient.Sending(
        async (request, cancellationToken) =>
        {
            await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
            throw exception;
        },
        options => options.Retry = NoRetry,
        httpTimeout);

    /// <summary>Creates a client whose handler fails before it requests the content.</summary>
    public static LambdaStreamingClient FailingBeforeSending(Exception exception, TimeSpan? httpTimeout = null) =>
        StubbedClient.Sending((_, _) => throw exception, options => options.Retry = NoRetry, httpTimeout);
}
