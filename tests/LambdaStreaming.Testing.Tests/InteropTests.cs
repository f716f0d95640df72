using System.Text.Json.Nodes;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Other SDKs against the local server, which verifies their signatures.</summary>
public class InteropTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Boto3_EachOutcome_IsReported()
    {
        Interop.NeedsBoto3();
        await AssertOutcomesAsync(server => Interop.RunAsync(server, "python3", "boto3_client.py"));
    }

    [Fact]
    public async Task JavaScriptSdk_EachOutcome_IsReported()
    {
        Interop.NeedsJavaScriptSdk();
        await AssertOutcomesAsync(server => Interop.RunAsync(server, "node", "js_client.mjs"));
    }

    private static async Task AssertOutcomesAsync(Func<LocalLambdaServer, Task<string>> run)
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                FunctionHandler hello = async (invocation, response, cancellationToken) =>
                {
                    await response.WriteTextAsync("hello ", cancellationToken);
                    await response.WriteTextAsync(invocation.PayloadAsString(), cancellationToken);
                };
                s.AddFunction("good", hello).AddVersion("7").AddAlias("live", "7");
                s.AddFunction("fails", async (_, response, cancellationToken) =>
                {
                    await response.WriteTextAsync("part", cancellationToken);
                    response.Fail("Function.Broken", "it broke");
                });
                s.AddFunction("throttled").OnEveryCall().Throttle();
                s.AddFunction("documented").RespondWithError("KMSAccessDeniedException");
                s.AddFunction("recovers", hello)
                    .OnCall(1).RespondWithStatus(503)
                    .OnCall(2).CloseBeforeHeaders(TruncationMode.Reset);
            },
            Token);

        var output = await run(server);

        JsonNode[] lines =
            [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
        const string Good = """
            {"text":"hello {\"a\":1}","version":"$LATEST","complete":true,"errorCode":null,"errorDetails":null}
            """;
        const string FunctionError = """
            {"text":"part","version":"$LATEST","complete":true,"errorCode":"Function.Broken","errorDetails":"it broke"}
            """;
        string[] expected =
        [
            Good,
            Good.Replace("$LATEST", "7"),
            FunctionError,
            """{"error":"TooManyRequestsException","status":429}""",
            """{"error":"KMSAccessDeniedException","status":502}""",
            Good,
        ];
        Assert.Equal(expected.Length, lines.Length);
        Assert.All(expected.Zip(lines), pair => Assert.True(
            JsonNode.DeepEquals(JsonNode.Parse(pair.First), RemoveName(pair.Second)),
            $"Expected {pair.First}, got {pair.Second.ToJsonString()}."));
        var attempts = server.Requests.Where(request => request.FunctionName == "recovers");
        Assert.Equal([1, 2, 3], attempts.Select(request => request.Attempt));
        Assert.All(server.Requests, request => Assert.NotEqual(403, request.StatusCode));
    }

    private static JsonNode RemoveName(JsonNode line)
    {
        var outcome = line.DeepClone();
        outcome.AsObject().Remove("name");
        return outcome;
    }
}
