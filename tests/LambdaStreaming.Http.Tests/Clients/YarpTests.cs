using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace LambdaStreaming.Http.Tests.Clients;

/// <summary>YARP's forwarder over the handler, and a client of that proxy.</summary>
public sealed class YarpTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<Fault> Faults => [.. Enum.GetValues<Fault>()];

    [Fact]
    public async Task SendAsync_ForwardsRequestAndResponseAsItArrives()
    {
        await using var web = await StartAsync();
        await using var proxy = await StartProxyAsync(web);
        using var http = new HttpClient { BaseAddress = new Uri(proxy.Urls.First()) };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/a%20b?q=1");
        request.Content = new StringContent("question");

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        var buffer = new byte[100];
        var count = await stream.ReadAsync(buffer, Token).AsTask().WaitAsync(WebFunction.TooLong, Token);

        Assert.Equal("POST /a%20b?q=1 question", Encoding.UTF8.GetString(buffer, 0, count));
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal("a=1", Assert.Single(response.Headers.GetValues("Set-Cookie")));
        web.FirstPartSeen();
        using var reader = new StreamReader(stream);
        Assert.Equal(" end", await reader.ReadToEndAsync(Token));
    }

    [Theory, MemberData(nameof(Faults))]
    public async Task SendAsync_FaultInTheMiddle_ResetsTheResponse(Fault fault)
    {
        await using var web = await StartAsync(fault);
        await using var proxy = await StartProxyAsync(web);
        using var http = new HttpClient { BaseAddress = new Uri(proxy.Urls.First()) };

        // Read the complete response in this call. A reset can reach the client before or after the headers; both fail
        // here.
        await Assert.ThrowsAsync<HttpRequestException>(
            () => http.GetAsync("/", Token).WaitAsync(WebFunction.TooLong, Token));
    }

    [Fact]
    public async Task SendAsync_FunctionDoesNotExist_Is502()
    {
        await using var web = await StartAsync();
        web.Function.RespondWithError("ResourceNotFoundException");
        await using var proxy = await StartProxyAsync(web);
        using var http = new HttpClient { BaseAddress = new Uri(proxy.Urls.First()) };

        using var response = await http.GetAsync("/", Token);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    // YARP's content catches the exception of its destination. Without a check, the function would receive the first
    // part of this text.
    [Fact]
    public async Task SendAsync_BodyIsTooLarge_Is502AndFunctionIsNotInvoked()
    {
        await using var web = await StartAsync();
        await using var proxy = await StartProxyAsync(web);
        using var http = new HttpClient { BaseAddress = new Uri(proxy.Urls.First()) };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/");
        request.Content = new StringContent(new string('a', 7_000_000));

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token)
            .WaitAsync(WebFunction.TooLong, Token);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Empty(web.Server.Requests);
    }

    private static Task<WebFunction> StartAsync(Fault? fault = null) =>
        WebFunction.StartAsync(
            async (web, request, response, token) =>
            {
                response.StatusCode = 202;
                response.Cookies.Add("a=1");
                await response.WriteAsync($"{request.Method} {request.Path}?{request.Query} {request.Text}", token);
                await web.MiddleAsync(response, token);
                await response.WriteAsync(" end", token);
            },
            fault);

    private static async Task<WebApplication> StartProxyAsync(WebFunction web)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddHttpForwarder();
        var app = builder.Build();
        var invoker = new HttpMessageInvoker(web.Handler, disposeHandler: false);
        var config = new ForwarderRequestConfig { ActivityTimeout = TimeSpan.FromMinutes(16) };
        app.Map("/{**path}", async (HttpContext context, IHttpForwarder forwarder) =>
        {
            // The result is not returned, because the endpoint would write it to the response, after the body.
            _ = await forwarder.SendAsync(context, "https://web/", invoker, config);
        });
        await app.StartAsync(Token);
        return app;
    }
}
