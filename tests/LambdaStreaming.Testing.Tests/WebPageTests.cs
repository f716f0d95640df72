using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Protection of the server and the Runtime API against web pages in a browser on this machine.</summary>
public class WebPageTests
{
    private const string Path = "/2021-11-15/functions/f/response-streaming-invocations";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Headers that browsers send for pages of other sites. PORT is the server's port.</summary>
    public static TheoryData<string, string> PageHeaders => new()
    {
        { "Host", "evil.example:PORT" },
        { "Host", "evil.example" },
        { "Host", "localhost.evil.example:PORT" },
        { "Host", "127.0.0.1.evil.example:PORT" },
        { "Host", "evillocalhost:PORT" },
        { "Host", $"{new string('a', 70)}_evil.example:PORT" },
        { "Host", "192.168.0.1:PORT" },
        { "Host", "[::2]:PORT" },
        { "Host", "127.0.0.1" },
        { "Host", "127.0.0.1:1" },
        { "Host", "localhost:1" },
        { "Origin", "https://evil.example" },
        { "Origin", "http://127.0.0.1:PORT" },
        { "Origin", "null" },
        { "Origin", "" },
        { "Sec-Fetch-Site", "cross-site" },
        { "Sec-Fetch-Site", "same-site" },
        { "Sec-Fetch-Site", "same-origin, cross-site" },
    };

    [Theory]
    [MemberData(nameof(PageHeaders))]
    public async Task Invoke_RequestOfAWebPage_Returns403BeforeAnyOtherCheck(string name, string value)
    {
        foreach (var signed in (bool[])[true, false])
        {
            var ran = false;
            await using var server = await StartAsync(_ => ran = true, verifySignatures: signed);
            using var http = new SignedHttp(server);

            var headers = SetHeader(name, value, server.ServiceUrl.Port);
            using var response = await http.InvokeAsync("f", "{}"u8.ToArray(), headers, sign: signed);
            var body = await response.Content.ReadAsStringAsync(Token);

            Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
            Assert.Contains(name, (string)JsonNode.Parse(body)!["Message"]!);
            Assert.Equal((false, 0), (ran, server.Requests.Count));
        }
    }

    [Fact]
    public async Task Invoke_UnsignedRequestOfAWebPage_ReturnsAccessDeniedException()
    {
        await using var server = await StartAsync();
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("f", headers: SetHeader("Origin", "null", 0), sign: false);

        Assert.Equal("AccessDeniedException", response.Headers.GetValues("x-amzn-ErrorType").Single());
    }

    [Fact]
    public async Task Invoke_CorsPreflight_Returns403WithoutCorsHeaders()
    {
        await using var server = await StartAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Options, new Uri(server.ServiceUrl, Path));
        request.Headers.Add("Origin", "https://evil.example");
        request.Headers.Add("Access-Control-Request-Method", "POST");

        using var response = await http.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task Invoke_WithoutHostHeader_Returns403()
    {
        await using var server = await StartAsync();
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, server.ServiceUrl.Port, Token);
        var stream = connection.GetStream();

        var request = $"POST {Path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), Token);
        var response = await new StreamReader(stream).ReadToEndAsync(Token);

        Assert.StartsWith("HTTP/1.1 403 ", response);
    }

    [Theory]
    [InlineData("Host", "127.0.0.1:PORT")]
    [InlineData("Host", "127.0.0.2:PORT")]
    [InlineData("Host", "localhost:PORT")]
    [InlineData("Host", "LocalHost:PORT")]
    [InlineData("Host", "lambda.us-east-1.localhost:PORT")]
    [InlineData("Host", "[::1]:PORT")]
    [InlineData("Sec-Fetch-Site", "none")]
    [InlineData("Sec-Fetch-Site", "same-origin")]
    public async Task Invoke_RequestOfAProgram_IsAccepted(string name, string value)
    {
        await using var server = await StartAsync();
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("f", headers: SetHeader(name, value, server.ServiceUrl.Port));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("host.docker.internal", "host.docker.internal:9001", 200)]
    [InlineData("host.docker.internal", "HOST.docker.internal", 200)]
    [InlineData("host.docker.internal", "x.host.docker.internal", 403)]
    [InlineData("my_service", "my_service:1", 200)]
    [InlineData("localhost", "localhost:1", 200)]
    [InlineData("localhost", "127.0.0.1:1", 403)]
    [InlineData("192.168.0.7", "192.168.0.7:1", 200)]
    [InlineData("fd00::7", "[fd00::7]:1", 200)]
    [InlineData("[fd00::7]", "[fd00::7]:1", 200)]
    public async Task AllowedHosts_OneHost_IsAcceptedWithAnyPort(string allowed, string host, int status)
    {
        await using var server = await StartAsync(allowedHost: allowed);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("f", headers: SetHeader("Host", host, 0));

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task AllowedHosts_OneHost_PagesOfItAreRejected()
    {
        await using var server = await StartAsync(allowedHost: "host.docker.internal");
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("f", headers: headers =>
        {
            headers.Host = "host.docker.internal";
            headers.Add("Origin", "http://host.docker.internal");
        });

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("*.example")]
    [InlineData(".example")]
    [InlineData("host.docker.internal:9001")]
    [InlineData("http://host.docker.internal")]
    [InlineData("host.docker.internal/")]
    [InlineData("two hosts")]
    [InlineData("bücher.example")]
    [InlineData(null)]
    public async Task AllowedHosts_NotAHost_StartAsyncThrowsArgumentException(string? value)
    {
        Task<LocalLambdaServer> Start() => LocalLambdaServer.StartAsync(s => s.AllowedHosts.Add(value!), Token);

        var exception = await Assert.ThrowsAsync<ArgumentException>(Start);

        Assert.Contains("AllowedHosts", exception.Message);
    }

    [Theory]
    [MemberData(nameof(PageHeaders))]
    public async Task RuntimeApi_RequestOfAWebPage_Returns403AndDoesNotDeliverTheCall(string name, string value)
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime();
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("fake", runtime.Options), Token);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var rejected = await process.NextAsync(SetHeader(name, value, process.Port)).WaitAsync(Soon, Token);
        using var accepted = await process.RespondAsync(await process.NextIdAsync().WaitAsync(Soon, Token), "good");

        Assert.Equal(HttpStatusCode.Forbidden, rejected.StatusCode);
        var body = await rejected.Content.ReadAsStringAsync(Token);
        Assert.Contains(name, (string)JsonNode.Parse(body)!["errorMessage"]!);
        Assert.Equal("good", await call);
    }

    [Fact]
    public async Task RuntimeApi_HostIsAllowed_DeliversTheCall()
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime();
        await using var server = await LocalLambdaServer.StartAsync(
            options =>
            {
                options.AllowedHosts.Add("host.docker.internal");
                options.AddFunction("fake", runtime.Options);
            },
            Token);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var next = await process.NextAsync(SetHeader("Host", "host.docker.internal", 0)).WaitAsync(Soon, Token);
        var id = next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single();
        using var accepted = await process.RespondAsync(id, "good");

        Assert.Equal("good", await call);
    }

    private static async Task<string> InvokeAsync(LambdaStreamingClient client)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(new("fake"), Token);
        return await response.ReadAsStringAsync(cancellationToken: Token);
    }

    private static Action<HttpRequestHeaders> SetHeader(string name, string value, int port) => headers =>
        headers.TryAddWithoutValidation(name, value.Replace("PORT", $"{port}", StringComparison.Ordinal));

    private static Task<LocalLambdaServer> StartAsync(
        Action<FunctionInvocation>? onCall = null, bool verifySignatures = true, string? allowedHost = null) =>
        LocalLambdaServer.StartAsync(
            options =>
            {
                options.VerifySignatures = verifySignatures;
                if (allowedHost is not null) options.AllowedHosts.Add(allowedHost);
                options.AddFunction("f", (invocation, _, _) =>
                {
                    onCall?.Invoke(invocation);
                    return Task.CompletedTask;
                });
            },
            Token);
}
