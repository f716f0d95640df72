using System.Net;
using System.Text;
using LambdaStreaming.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>A logger of the app that throws. The outcome of a request does not depend on it.</summary>
public class LoggerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ContentType_PreludeIsDroppedAndLoggerThrows_ResponseIsComplete()
    {
        await using var app = await StartAsync(
            """{"statusCode":200}""",
            options => options.ContentType = "text/event-stream");

        using var response = await app.PostAsync("/chat");

        Assert.Equal("body", await response.Content.ReadAsStringAsync(Token));
        AssertLogged(app, "Warning LambdaStreaming.AspNetCore 206");
    }

    [Fact]
    public async Task Prelude_HeaderIsDroppedAndLoggerThrows_StatusIsThatOfTheFunction()
    {
        await using var app = await StartAsync("""{"statusCode":201,"headers":{"x-name":"é"}}""");

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("body", await response.Content.ReadAsStringAsync(Token));
        AssertLogged(app, "Warning LambdaStreaming.AspNetCore 203");
    }

    [Fact]
    public async Task MapLambdaStream_CallFailsAndLoggerThrows_ReturnsProblem()
    {
        await using var app = await StartAsync(
            "{}",
            options => options.Client = _ => new FailingClient(new TooManyRequestsException("x")));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("1", response.Headers.RetryAfter?.ToString());
        AssertLogged(app, "Warning LambdaStreaming.AspNetCore 201");
    }

    private static Task<WebApp> StartAsync(
        string prelude,
        Action<LambdaStreamEndpointOptions>? configure = null) => WebApp.StartAsync(
        s => s.AddFunction("web", async (_, response, ct) =>
        {
            await response.WriteAsync(Encoding.UTF8.GetBytes(prelude), ct);
            await response.WriteAsync(new byte[8], ct);
            await response.WriteTextAsync("body", ct);
        }),
        app => app.MapLambdaStream("/chat", "web", options => configure?.Invoke(options)),
        services: builder => builder.Services.AddSingleton<ILoggerProvider>(new ThrowingProvider()));

    // The log of the app is of another provider, which the failure of one provider does not affect.
    private static void AssertLogged(WebApp app, string prefix) =>
        Assert.Contains(app.Log, line => line.StartsWith(prefix, StringComparison.Ordinal));

    private sealed class ThrowingProvider : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => categoryName == "LambdaStreaming.AspNetCore"
            ? new CallbackLogger { Logging = (_, _) => throw new TimeZoneNotFoundException() }
            : NullLogger.Instance;

        public void Dispose()
        {
        }
    }
}
