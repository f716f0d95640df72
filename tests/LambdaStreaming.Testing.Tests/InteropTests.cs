using System.Text.Json.Nodes;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Other SDKs against the local server, which verifies their signatures.</summary>
public class InteropTests
{
    private const string FunctionError = """{"errorType":"Function.Broken","errorMessage":"it broke"}""";
    private const string Throttled = """{"error":"TooManyRequestsException","status":429}""";
    private const string Documented = """{"error":"KMSAccessDeniedException","status":502}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Boto3_StreamsEachOutcome_IsReported()
    {
        Interop.NeedsBoto3();
        await AssertStreamsAsync("python3", "boto3_client.py");
    }

    [Fact]
    public async Task Boto3_InvokesEachOutcome_IsReported()
    {
        Interop.NeedsBoto3();
        await AssertInvokesAsync("python3", "boto3_client.py");
    }

    [Fact]
    public async Task JavaScriptSdk_StreamsEachOutcome_IsReported()
    {
        Interop.NeedsJavaScriptSdk();
        await AssertStreamsAsync("node", "js_client.mjs");
    }

    [Fact]
    public async Task JavaScriptSdk_InvokesEachOutcome_IsReported()
    {
        Interop.NeedsJavaScriptSdk();
        await AssertInvokesAsync("node", "js_client.mjs");
    }

    [Fact]
    public async Task AwsCli_Invokes_ReportsResponseAndFunctionError()
    {
        Interop.NeedsAwsCli();
        await using var server = await StartAsync();

        var good = await RunAwsCliAsync(server, "good:live", "--log-type", "Tail", "--client-context", "e30=");
        var failed = await RunAwsCliAsync(server, "fails");
        var asynchronous = await RunAwsCliAsync(server, "good", "--invocation-type", "Event");
        var dryRun = await RunAwsCliAsync(server, "good", "--invocation-type", "DryRun");

        Assert.Equal("hello {\"a\":1}", good.Body);
        Assert.Equal((200, "7"), ((int)good.Result["StatusCode"]!, (string?)good.Result["ExecutedVersion"]));
        Assert.Equal("bG9nZ2VkCg==", (string?)good.Result["LogResult"]);
        Assert.Equal(FunctionError, failed.Body);
        Assert.Equal("Unhandled", (string?)failed.Result["FunctionError"]);
        Assert.Equal((202, ""), ((int)asynchronous.Result["StatusCode"]!, asynchronous.Body));
        Assert.Equal((204, ""), ((int)dryRun.Result["StatusCode"]!, dryRun.Body));
        Assert.All(server.Requests, request => Assert.Equal(LambdaOperation.Invoke, request.Operation));
    }

    private static async Task<(JsonNode Result, string Body)> RunAwsCliAsync(
        LocalLambdaServer server, string functionName, params string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("aws-cli-").FullName;
        try
        {
            var payload = Path.Combine(folder, "payload.json");
            var body = Path.Combine(folder, "body.json");
            await File.WriteAllTextAsync(payload, "{\"a\":1}", Token);
            string[] common =
            [
                "lambda", "invoke", "--function-name", functionName, "--payload", "fileb://" + payload,
                "--endpoint-url", server.ServiceUrl.ToString(), "--output", "json",
            ];
            var output = await Interop.RunAsync(server, "aws", [.. common, .. arguments, body]);
            return (JsonNode.Parse(output)!, await File.ReadAllTextAsync(body, Token));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task AssertStreamsAsync(string fileName, string script)
    {
        const string Good = """
            {"text":"hello {\"a\":1}","version":"$LATEST","complete":true,"errorCode":null,"errorDetails":null}
            """;
        const string Failed = """
            {"text":"part","version":"$LATEST","complete":true,"errorCode":"Function.Broken","errorDetails":"it broke"}
            """;
        await AssertOutcomesAsync(
            fileName,
            [script, "stream"],
            [Good, Good.Replace("$LATEST", "7"), Failed, Throttled, Documented, Good]);
    }

    private static async Task AssertInvokesAsync(string fileName, string script)
    {
        const string Good = """
            {"status":200,"text":"hello {\"a\":1}","version":"$LATEST","functionError":null,"log":"logged\n"}
            """;
        var failed = new JsonObject
        {
            ["status"] = 200,
            ["text"] = FunctionError,
            ["version"] = "$LATEST",
            ["functionError"] = "Unhandled",
            ["log"] = null,
        };
        const string Accepted = """{"status":202,"text":"","version":null,"functionError":null,"log":null}""";
        await AssertOutcomesAsync(
            fileName,
            [script, "invoke"],
            [
                Good, Good.Replace("$LATEST", "7"), failed.ToJsonString(), Throttled, Documented, Good,
                Accepted, Accepted.Replace("202", "204"),
            ]);
    }

    private static async Task AssertOutcomesAsync(string fileName, string[] arguments, string[] expected)
    {
        await using var server = await StartAsync();

        var output = await Interop.RunAsync(server, fileName, arguments);

        JsonNode[] lines =
            [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(expected.Length, lines.Length);
        Assert.All(expected.Zip(lines), pair => Assert.True(
            JsonNode.DeepEquals(JsonNode.Parse(pair.First), pair.Second),
            $"Expected {pair.First}, got {pair.Second.ToJsonString()}."));
        var attempts = server.Requests.Where(request => request.FunctionName == "recovers");
        Assert.Equal([1, 2, 3], attempts.Select(request => request.Attempt));
        Assert.All(server.Requests, request => Assert.NotEqual(403, request.StatusCode));
    }

    private static Task<LocalLambdaServer> StartAsync() => LocalLambdaServer.StartAsync(
        s =>
        {
            FunctionHandler hello = async (invocation, response, cancellationToken) =>
            {
                response.Log("logged");
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
}
