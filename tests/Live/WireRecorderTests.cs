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

    // The last case is a token at the place where the text of a body is shortened.
    [Theory]
    [InlineData(0)]
    [InlineData(390)]
    public async Task Save_ServiceQuotesTheToken_FileHasNoPartOfIt(int position)
    {
        var text = await RecordAsync(new string(' ', position) + SessionToken);

        Assert.DoesNotContain("token-", text, StringComparison.Ordinal);
    }

    private async Task<string> RecordAsync(string body)
    {
        var options = new LambdaStreamingClientOptions
        {
            Credentials = new SessionAWSCredentials("AKID", "secret", SessionToken),
            Region = RegionEndpoint.USEast1,
            ServiceUrl = new Uri("https://lambda.example.com"),
        };
        using var wire = new WireRecorder(new SendOnceHandler(new DenyingHandler(body)));
        using var http = new HttpClient(wire);
        using var client = new LambdaStreamingClient(options, http);
        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(
            new InvokeWithResponseStreamRequest("f"), TestContext.Current.CancellationToken));

        wire.Save(_folder.FullName, "call");
        var path = Path.Combine(_folder.FullName, "call.txt");
        return await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
    }

    private sealed class DenyingHandler(string body) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(
            new HttpResponseMessage(HttpStatusCode.Forbidden)
            {
                Content = new StringContent(body),
                RequestMessage = request,
            });
    }
}
