namespace LambdaStreaming.AspNetCore.Tests.BrowserClients;

/// <summary>
/// Tests what users see with the clients of web applications in a real browser: AI SDK (useChat), AG-UI (runAgent),
/// EventSource and fetch.
/// </summary>
[Collection(nameof(Browser))]
public sealed class BrowserClientTests(BrowserClientsRun run) : IClassFixture<BrowserClientsRun>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Clients { get; } = ["useChat", "runAgent", "EventSource", "fetch"];

    /// <summary>Clients, and the seconds after which a proxy closes an idle connection.</summary>
    public static MatrixTheoryData<string, int> ClientsBehindProxies { get; } =
        new(["useChat", "runAgent", "EventSource", "fetch"], [30, 60]);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task MapLambdaStream_ResponseComplete_ClientShowsCompleteText(string client)
    {
        var shown = await run.GetAsync(client, "complete");

        Assert.Equal(new Shown("running complete", "Hello", null), shown);
    }

    [Theory]
    [InlineData("truncated", "The connection to the function was lost. The response is incomplete.")]
    [InlineData("body-ended", "The connection to the function was lost. The response is incomplete.")]
    [InlineData("failed", "The function failed, could not be invoked, or returned an invalid response.")]
    public async Task MapLambdaStream_ResponseFails_ClientShowsReportedError(string name, string detail)
    {
        foreach (var client in (string[])["useChat", "runAgent", "EventSource"])
            Assert.Equal(new Shown("running error", "Hel", detail), await run.GetAsync(client, name));

        // Text has no protocol for errors.
        AssertIncomplete(await run.GetAsync("fetch", name));
    }

    [Theory]
    [InlineData("failed-before", "The function failed, could not be invoked, or returned an invalid response.")]
    [InlineData("throttled", "The function cannot accept the request now. Try again later.")]
    public async Task MapLambdaStream_FailsAfterEarlyHeaders_ClientShowsReportedError(string name, string detail)
    {
        foreach (var client in (string[])["useChat", "runAgent", "EventSource"])
            Assert.Equal(new Shown("running error", "", detail), await run.GetAsync(client, name));

        AssertProblem(await run.GetAsync("fetch", name), "fetch", detail);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task MapLambdaStream_FailsBeforeHeaders_ClientShowsProblem(string client)
    {
        AssertProblem(await run.GetAsync(client, "failed-before-off"), client, "The function failed");
        AssertProblem(await run.GetAsync(client, "throttled-off"), client, "Try again later.");
    }

    [Theory]
    [InlineData("useChat")]
    [InlineData("runAgent")]
    public async Task MapLambdaStream_FailureWriterIsNotSet_ClientShowsError(string client) =>
        AssertIncomplete(await run.GetAsync(client, "failed-default"));

    [Theory]
    [MemberData(nameof(ClientsBehindProxies))]
    public async Task MapLambdaStream_IdleForTenMinutesBehindProxy_ClientShowsCompleteText(string client, int seconds)
    {
        var shown = await run.GetAsync(client, $"idle-{seconds}");

        Assert.Equal(new Shown("running complete", "Hello", null), shown);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task MapLambdaStream_UserStopsResponse_ConnectionToLambdaIsClosed(string client)
    {
        var shown = await run.GetAsync(client, "endless");

        Assert.Equal(new Shown("running stopped", "Hel", null), shown);
        var request = Assert.Single(run.GetRequests(client, "endless"));
        await request.ClientDisconnected.WaitAsync(Patience, Token);
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task MapLambdaStream_UserClosesPage_ConnectionToLambdaIsClosed(string client)
    {
        await run.WaitForEndAsync();

        var request = Assert.Single(run.GetRequests(client, "closed"));
        await request.ClientDisconnected.WaitAsync(Patience, Token);
    }

    [Theory]
    [MemberData(nameof(ClientsBehindProxies))]
    public async Task MapLambdaStream_ProxyClosesIdleConnection_ClientShowsError(string client, int seconds)
    {
        var name = $"idle-{seconds}-off";

        AssertIncomplete(await run.GetAsync(client, name));

        var request = Assert.Single(run.GetRequests(client, name));
        await request.ClientDisconnected.WaitAsync(Patience, Token);
    }

    [Fact]
    public async Task MapLambdaStream_EventSourceIsNotClosedOnError_BrowserInvokesFunctionAgain()
    {
        const string Client = "ReconnectingEventSource";

        var shown = await run.GetAsync(Client, "truncated-once");

        Assert.StartsWith("running reconnecting ", shown.States);
        Assert.EndsWith(" complete", shown.States);
        Assert.Equal("Hello", shown.Text);
        Assert.Equal(2, run.GetRequests(Client, "truncated-once").Count);
    }

    private static void AssertIncomplete(Shown shown)
    {
        Assert.Equal("running error", shown.States);

        // The browser discards data that its page has not read when the connection fails.
        Assert.Contains(shown.Text, (string[])["", "Hel"]);
        Assert.NotEmpty(shown.Alert!);
    }

    private static void AssertProblem(Shown shown, string client, string detail)
    {
        Assert.Equal("running error", shown.States);
        Assert.Empty(shown.Text);

        // An EventSource does not show the response to the page.
        Assert.Contains(client == "EventSource" ? "The connection was lost." : detail, shown.Alert);
    }
}
