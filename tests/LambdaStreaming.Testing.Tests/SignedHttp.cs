using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Amazon.Runtime;
using LambdaStreaming.Testing.Signing;

namespace LambdaStreaming.Testing.Tests;

/// <summary>A minimal HTTP client that signs with the code of the verifier.</summary>
/// <remarks>It shares no code with LambdaStreamingClient.</remarks>
internal sealed class SignedHttp(LocalLambdaServer server) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Calls InvokeWithResponseStream.</summary>
    public Task<HttpResponseMessage> InvokeAsync(
        string functionName,
        byte[]? payload = null,
        Action<HttpRequestHeaders>? headers = null,
        string query = "",
        bool sign = true)
    {
        var path = $"/2021-11-15/functions/{functionName}/response-streaming-invocations";
        return SendAsync(path, payload, headers, query, sign);
    }

    /// <summary>Calls Invoke.</summary>
    public Task<HttpResponseMessage> InvokeBufferedAsync(
        string functionName,
        byte[]? payload = null,
        string? invocationType = null,
        Action<HttpRequestHeaders>? headers = null,
        string query = "",
        bool sign = true)
    {
        var path = $"/2015-03-31/functions/{functionName}/invocations";
        return SendAsync(path, payload, AddHeaders, query, sign);

        void AddHeaders(HttpRequestHeaders all)
        {
            if (invocationType is not null) all.Add("X-Amz-Invocation-Type", invocationType);
            headers?.Invoke(all);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(
        string path, byte[]? payload, Action<HttpRequestHeaders>? headers, string query, bool sign)
    {
        var target = path + (query.Length > 0 ? "?" + query : "");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.ServiceUrl, target))
        {
            Content = new ByteArrayContent(payload ?? []),
        };
        headers?.Invoke(request.Headers);
        if (sign) await SignAsync(request, path, query, payload ?? []);
        return await _http.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    private async Task SignAsync(HttpRequestMessage request, string path, string query, byte[] payload)
    {
        var credentials = await server.Credentials.GetCredentialsAsync();
        var date = DateTimeOffset.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'");
        var scope = $"{date[..8]}/{server.Region.SystemName}/lambda/aws4_request";
        if (!request.Headers.Contains("Host")) request.Headers.Host = server.ServiceUrl.Authority;
        request.Headers.Add("X-Amz-Date", date);
        if (credentials.Token is { Length: > 0 } token) request.Headers.Add("X-Amz-Security-Token", token);
        var headers = request.Headers
            .Select(header => KeyValuePair.Create(header.Key, string.Join(',', header.Value))).ToArray();
        string[] names = [.. headers.Select(header => header.Key.ToLowerInvariant()).Order(StringComparer.Ordinal)];
        var signed = new SignedRequest("POST", path, query, headers, payload);
        var stringToSign = CanonicalRequest.CreateStringToSign(CanonicalRequest.Create(signed, names), date, scope);
        var signature = CanonicalRequest.Sign(credentials.SecretKey, scope, stringToSign);
        var authorization = $"AWS4-HMAC-SHA256 Credential={credentials.AccessKey}/{scope}, "
            + $"SignedHeaders={string.Join(';', names)}, Signature={signature}";
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
    }
}
