using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

public class LocalServerLimitTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithTimeout_FunctionIgnoresItsToken_EndsWithSandboxTimedout()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var never = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("slow", async (_, response, _) =>
                {
                    await response.WriteTextAsync("part", CancellationToken.None);
                    await never.Task;
                }).WithTimeout(TimeSpan.FromSeconds(3));
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("slow");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await body.ReadExactlyAsync(new byte[12 + 90 + 4 + 4], Token);
        clock.Advance(TimeSpan.FromSeconds(3));
        var remaining = new MemoryStream();
        await body.CopyToAsync(remaining, Token);
        var complete = Messages.GetInvokeComplete(remaining.ToArray());

        Assert.Equal("Sandbox.Timedout", (string?)complete["ErrorCode"]);
        Assert.EndsWith("Error: Task timed out after 3.00 seconds", (string?)complete["ErrorDetails"]);
        never.SetResult();
    }

    [Fact]
    public async Task WithTimeout_ElapsesWhenTheRequestIsVisible_EndsWithSandboxTimedout()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("slow", (_, _, cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken))
                    .WithTimeout(TimeSpan.FromSeconds(3));
            },
            Token);
        using var http = new SignedHttp(server);

        var pending = http.InvokeAsync("slow");
        await server.WaitForRequestAsync(Token);
        clock.Advance(TimeSpan.FromSeconds(3));
        using var response = await pending.WaitAsync(Soon, Token);

        var complete = Messages.GetInvokeComplete(await response.Content.ReadAsByteArrayAsync(Token));
        Assert.Equal("Sandbox.Timedout", (string?)complete["ErrorCode"]);
    }

    [Theory]
    [InlineData(true, "ReservedFunctionConcurrentInvocationLimitExceeded")]
    [InlineData(false, "ConcurrentInvocationLimitExceeded")]
    public async Task Concurrency_LimitExceeded_ReturnsTooManyRequestsExceptionWithReason(bool reserved, string reason)
    {
        var release = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                var function = s.AddFunction("held", async (_, response, cancellationToken) =>
                {
                    await response.StartAsync(cancellationToken);
                    await release.Task.WaitAsync(cancellationToken);
                });
                if (reserved) function.WithReservedConcurrency(1);
                else s.MaxConcurrency = 1;
            },
            Token);
        using var http = new SignedHttp(server);

        using var held = await http.InvokeAsync("held");
        using var throttled = await http.InvokeAsync("held");
        release.SetResult();
        await held.Content.ReadAsByteArrayAsync(Token);
        await server.Requests[0].Completed.WaitAsync(Soon, Token);
        using var again = await http.InvokeAsync("held");

        Assert.Equal([200, 429, 200], new[] { held, throttled, again }.Select(response => (int)response.StatusCode));
        Assert.Equal(reason, (string?)JsonNode.Parse(await throttled.Content.ReadAsStringAsync(Token))!["Reason"]);
    }

    [Fact]
    public async Task MaxResponseBytes_FunctionWritesMore_TruncatesWithResponseSizeTooLarge()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.MaxResponseBytes = 10;
                s.AddFunction("large", async (_, response, cancellationToken) =>
                {
                    while (true) await response.WriteTextAsync("1234", cancellationToken);
                });
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("large");
        var body = await response.Content.ReadAsByteArrayAsync(Token);

        Assert.Equal(["1234", "1234", "12"], Messages.GetChunks(body));
        Assert.Equal("Function.ResponseSizeTooLarge", (string?)Messages.GetInvokeComplete(body)["ErrorCode"]);
    }

    [Fact]
    public async Task LimitBandwidth_BeyondSixMiB_SendsTwoMiBPerSecond()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var bandwidth = new Functions.Bandwidth(clock);

        await bandwidth.TakeAsync(6 * 1024 * 1024, Token);
        var next = bandwidth.TakeAsync(1024 * 1024, Token);
        clock.Advance(TimeSpan.FromMilliseconds(499));
        Assert.False(next.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));

        await next.WaitAsync(Soon, Token);
    }

    [Fact]
    public async Task LimitBandwidth_SmallResponse_IsNotDelayed()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.LimitBandwidth = true;
                s.AddFunction("small", WriteText("x"));
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("small");

        Assert.Equal(["x"], Messages.GetChunks(await response.Content.ReadAsByteArrayAsync(Token)));
    }

    [Theory]
    [InlineData("f", 200, "$LATEST", "new")]
    [InlineData("f:1", 200, "1", "old")]
    [InlineData("f:live", 200, "1", "old")]
    [InlineData("f:%24LATEST", 200, "$LATEST", "new")]
    [InlineData("f:2", 404, null, null)]
    [InlineData("any:whatever", 200, "$LATEST", "any")]
    [InlineData("any:7", 200, "7", "any")]
    public async Task Versions_EachQualifier_RunsItsVersion(string name, int status, string? version, string? text)
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.AddFunction("f", WriteText("new")).AddVersion("1", WriteText("old")).AddAlias("live", "1");
                s.AddFunction("any", WriteText("any"));
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync(name);
        var body = await response.Content.ReadAsByteArrayAsync(Token);

        Assert.Equal(status, (int)response.StatusCode);
        if (version is null)
        {
            Assert.Contains(":function:f:2", Encoding.UTF8.GetString(body));
            return;
        }

        Assert.Equal(version, response.Headers.GetValues("X-Amz-Executed-Version").Single());
        Assert.Equal([text!], Messages.GetChunks(body));
    }

    private static FunctionHandler WriteText(string text) =>
        (_, response, cancellationToken) => response.WriteTextAsync(text, cancellationToken);
}
