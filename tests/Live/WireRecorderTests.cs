using System.Net;
using Amazon;
using Amazon.Runtime;

namespace LambdaStreaming.Live;

/// <summary>Secrets in the recorded files. These tests need no account.</summary>
public sealed class WireRecorderTests : IDisposable
{
    private const string SessionToken = "token-value-0123456789";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lambda-streaming-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Save_SessionCredentials_FileHasNeitherTheTokenNorTheSignature()
    {
        var text = await RecordAsync("""{"message":"no"}""");

        Assert.Contains("X-Amz-Date: ", text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("""{"message":"no"}""", text, StringComparison.Ordinal);
        Assert.DoesNotContain(SessionToken, text, StringComparison.Ordinal);
        Assert.DoesNotContain("Signature=", text, StringComparison.Ordinal);
    }

    // At 390, a secret is at the place where the text of a body is shortened.
    [Theory]
    [InlineData(0, SessionToken)]
    [InlineData(390, SessionToken)]
    [InlineData(0, "123456789012")]
    [InlineData(390, "123456789012")]
    [InlineData(0, "AKIAIOSFODNN7EXAMPLE")]
    [InlineData(390, "AKIAIOSFODNN7EXAMPLE")]
    public async Task Save_ServiceQuotesASecret_FileHasNoPartOfIt(int position, string secret)
    {
        var text = await RecordAsync(new string(' ', position) + secret);

        Assert.DoesNotContain(secret[..8], text, StringComparison.Ordinal);
    }

    // For example, the connection was lost, or a proxy responded.
    [Theory]
    [InlineData("<html>a page</html>", 0)]
    [InlineData("\0\0\0\u0012\0\0\0\0----ab----\0\0\0\u0040\0\0<html>a page</html>", 1)]
    [InlineData("\0\0\0\0\0\0\0\0<html>a page</html>", 0)]
    [InlineData("\0\0\0\u0012\0\0\u0001\0----ab----<html>a page</html>", 0)]
    public async Task Save_ResponseEndsInsideAMessage_FileHasTheMessagesAndTheRest(string body, int messages)
    {
        using var wire = new WireRecorder(new FixedHandler(HttpStatusCode.OK, body));
        using var http = new HttpClient(wire);
        await http.GetStringAsync(new Uri("https://lambda.example.com"), TestContext.Current.CancellationToken);

        var text = await SaveAsync(wire);

        Assert.Equal(messages, wire.GetMessages().Count);
        Assert.Contains("<html>a page</html>", text, StringComparison.Ordinal);
        Assert.Equal(messages == 1, text.Contains("(2 bytes)\nab\n", StringComparison.Ordinal));
    }

    private async Task<string> RecordAsync(string body)
    {
        var options = new LambdaStreamingClientOptions
        {
            Credentials = new SessionAWSCredentials("AKID", "secret", SessionToken),
            Region = RegionEndpoint.USEast1,
            ServiceUrl = new Uri("https://lambda.example.com"),
            // With these settings, the client does not need the profile of the machine.
            UseFipsEndpoint = false,
            UseDualStackEndpoint = false,
            Retry = new LambdaRetryOptions { MaxAttempts = 1 },
        };
        using var wire = new WireRecorder(new SendOnceHandler(new FixedHandler(HttpStatusCode.Forbidden, body)));
        using var http = new HttpClient(wire);
        using var client = new LambdaStreamingClient(options, http);
        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(
            new InvokeWithResponseStreamRequest("f"), TestContext.Current.CancellationToken));

        return await SaveAsync(wire);
    }

    private async Task<string> SaveAsync(WireRecorder wire)
    {
        wire.Save(_folder.FullName, "call");
        var path = Path.Combine(_folder.FullName, "call.txt");
        return await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
    }

    private sealed class FixedHandler(HttpStatusCode status, string body) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(
            new HttpResponseMessage(status)
            {
                Content = new StringContent(body),
                RequestMessage = request,
            });
    }
}
