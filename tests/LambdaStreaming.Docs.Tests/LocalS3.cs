using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Responds like S3 to the requests of an upload in parts, without a network, and records them.</summary>
internal sealed class LocalS3 : HttpMessageHandler
{
    private static readonly Regex Part = new(
        "[?&]partNumber=(?<number>[0-9]+)",
        RegexOptions.None,
        TimeSpan.FromSeconds(5));

    private readonly List<string> _requests = [];

    public IReadOnlyList<string> Requests => _requests;

    public AmazonS3Client CreateClient() => new(
        new BasicAWSCredentials("access-key", "secret-key"),
        new AmazonS3Config { RegionEndpoint = RegionEndpoint.EUCentral1, HttpClientFactory = new Factory(this) });

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken)
    {
        if (request.Content is { } content) await content.CopyToAsync(Stream.Null, cancellationToken);
        var query = request.RequestUri!.Query;
        var (name, body) = request.Method.Method switch
        {
            "POST" when query.StartsWith("?uploads", StringComparison.Ordinal) => ("initiate", """
                <InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
                  <Bucket>my-bucket</Bucket><Key>report.csv</Key><UploadId>upload-1</UploadId>
                </InitiateMultipartUploadResult>
                """),
            "PUT" => ($"part {Part.Match(query).Groups["number"].Value}", ""),
            "POST" => ("complete", """
                <CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
                  <Bucket>my-bucket</Bucket><Key>report.csv</Key><ETag>"etag"</ETag>
                </CompleteMultipartUploadResult>
                """),
            "DELETE" => ("abort", ""),
            var method => throw new InvalidOperationException($"Unexpected request: {method} {request.RequestUri}"),
        };
        _requests.Add(name);
        var response = new HttpResponseMessage(name == "abort" ? HttpStatusCode.NoContent : HttpStatusCode.OK)
        {
            RequestMessage = request,
            Content = new StringContent(body, Encoding.UTF8, "application/xml"),
        };
        response.Headers.TryAddWithoutValidation("ETag", "\"etag\"");
        return response;
    }

    private sealed class Factory(LocalS3 handler) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(handler, disposeHandler: false);

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;
    }
}
