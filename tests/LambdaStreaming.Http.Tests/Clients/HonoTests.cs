using System.Net;
using LambdaStreaming.Testing;
using LambdaStreaming.Testing.Tests;

namespace LambdaStreaming.Http.Tests.Clients;

/// <summary>A function written with hono, on the official Node.js runtime interface client.</summary>
public sealed class HonoTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetStreamAsync_SecondPartIsSentAfterTheFirstWasRead_StreamsBoth()
    {
        await using var server = await StartAsync();
        using var client = server.CreateClient();
        using var http = CreateHttpClient(client);
        var folder = Directory.CreateTempSubdirectory("lambda-streaming-hono-");
        try
        {
            var file = Path.Combine(folder.FullName, "first-part-was-read");
            await using var stream = await http.GetStreamAsync($"/parts?file={Uri.EscapeDataString(file)}", Token);
            using var reader = new StreamReader(stream);
            var first = new char[4];
            await reader.ReadBlockAsync(first, Token);

            await File.WriteAllTextAsync(file, "", Token);

            Assert.Equal("one ", new string(first));
            Assert.Equal("two", await reader.ReadToEndAsync(Token));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task PostAsync_BodyQueryAndHeaders_ReachTheFunctionAndReturn()
    {
        await using var server = await StartAsync();
        using var client = server.CreateClient();
        using var http = CreateHttpClient(client);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/echo?q=%C3%A4");
        request.Content = new StringContent("wörld");
        request.Headers.Add("x-request", "value");

        using var response = await http.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("value", response.Headers.GetValues("x-request").Single());
        Assert.Equal("a=1", response.Headers.GetValues("Set-Cookie").Single());
        Assert.Equal("""{"body":"wörld","query":"ä"}""", await response.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task GetStringAsync_TruncatedInTheMiddle_ThrowsHttpRequestException()
    {
        await using var server = await StartAsync(
            function => function.OnEveryCall().TruncateAfterChunks(1, TruncationMode.Close));
        using var client = server.CreateClient();
        using var http = CreateHttpClient(client);

        var reading = http.GetStringAsync($"/parts?file={Uri.EscapeDataString(Environment.ProcessPath!)}", Token);

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => reading);
        Assert.Equal(HttpRequestError.ResponseEnded, exception.HttpRequestError);
    }

    private static HttpClient CreateHttpClient(LambdaStreamingClient client) =>
        new(new LambdaHttpHandler(client, "web")) { BaseAddress = new Uri("https://web/") };

    private static Task<LocalLambdaServer> StartAsync(Action<LocalFunction>? configure = null)
    {
        Interop.NeedsNodeRuntime();
        Assert.SkipUnless(
            Directory.Exists(Path.Combine(Interop.Folder, "node_modules", "hono")),
            "Needs the npm package hono: run eng/install-interop.sh.");
        return LocalLambdaServer.StartAsync(
            options =>
            {
                var runtime = RuntimeProcessOptions.Node(
                    Interop.Functions, "web.handler", Interop.RuntimeInterfaceClient);
                var function = options.AddFunction("web", runtime);
                configure?.Invoke(function);
            },
            Token);
    }
}
