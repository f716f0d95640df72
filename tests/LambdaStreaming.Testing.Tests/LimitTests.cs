using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

public class LimitTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithTimeout_FunctionHeedsNothing_EndsWithSandboxTimedout()
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
        var rest = new MemoryStream();
        await body.CopyToAsync(rest, Token);
        var complete = Messages.Complete(rest.ToArray());

        Assert.Equal("Sandbox.Timedout", (string?)complete["ErrorCode"]);
        Assert.EndsWith("Error: Task timed out after 3.00 seconds", (string?)complete["ErrorDetails"]);
        never.SetResult();
    }

    [Fact]
    public async Task WithTimeout_TimeIsOverAsSoonAsTheRequestIsVisible_EndsWithSandboxTimedout()
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

        var answer = http.InvokeAsync("slow");
        await server.WaitForRequestAsync(Token);
        clock.Advance(TimeSpan.FromSeconds(3));
        using var response = await answer.WaitAsync(Soon, Token);

        Assert.Equal("Sandbox.Timedout", (string?)Messages.Complete(await response.Content.ReadAsByteArrayAsync(Token))["ErrorCode"]);
    }

    [Theory]
    [InlineData(true, "ReservedFunctionConcurrentInvocationLimitExceeded")]
    [InlineData(false, "ConcurrentInvocationLimitExceeded")]
    public async Task Concurrency_OneMoreThanAllowed_IsThrottledWithTheReason(bool reserved, string reason)
    {
        var goOn = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                var function = s.AddFunction("held", async (_, response, cancellationToken) =>
                {
                    await response.StartAsync(cancellationToken);
                    await goOn.Task.WaitAsync(cancellationToken);
                });
                if (reserved) function.WithReservedConcurrency(1);
                else s.MaxConcurrency = 1;
            },
            Token);
        using var http = new SignedHttp(server);

        using var held = await http.InvokeAsync("held");
        using var throttled = await http.InvokeAsync("held");
        goOn.SetResult();
        await held.Content.ReadAsByteArrayAsync(Token);
        await server.Requests[0].Completed.WaitAsync(Soon, Token);
        using var again = await http.InvokeAsync("held");

        Assert.Equal([200, 429, 200], new[] { held, throttled, again }.Select(response => (int)response.StatusCode));
        Assert.Equal(reason, (string?)JsonNode.Parse(await throttled.Content.ReadAsStringAsync(Token))!["Reason"]);
    }

    [Fact]
    public async Task MaxResponseBytes_FunctionWritesMore_SendsThatManyThenTheError()
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

        Assert.Equal(["1234", "1234", "12"], Messages.Chunks(body));
        Assert.Equal("Function.ResponseSizeTooLarge", (string?)Messages.Complete(body)["ErrorCode"]);
    }

    [Fact]
    public async Task LimitBandwidth_BeyondSixMiB_WaitsTwoMiBASecond()
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
    public async Task LimitBandwidth_Small_FlowsAtOnce()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.LimitBandwidth = true;
                s.AddFunction("small", (_, response, cancellationToken) => response.WriteTextAsync("x", cancellationToken));
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("small");

        Assert.Equal(["x"], Messages.Chunks(await response.Content.ReadAsByteArrayAsync(Token)));
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
                s.AddFunction("f", (_, response, cancellationToken) => response.WriteTextAsync("new", cancellationToken))
                    .AddVersion("1", (_, response, cancellationToken) => response.WriteTextAsync("old", cancellationToken))
                    .AddAlias("live", "1");
                s.AddFunction("any", (_, response, cancellationToken) => response.WriteTextAsync("any", cancellationToken));
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
        Assert.Equal([text!], Messages.Chunks(body));
    }
}
