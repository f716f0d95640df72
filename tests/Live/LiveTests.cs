using System.Text;
using System.Text.Json.Nodes;

namespace LambdaStreaming.Live;

/// <summary>What this project assumes about the live service, compared with what the service does.</summary>
/// <remarks>
/// <c>tests/Live/check</c> deploys the functions and runs these tests. A test fails if a promise of the client is
/// broken. An assumption that is wrong does not fail: the report shows it.
/// </remarks>
public class LiveTests(LiveReport report) : IClassFixture<LiveReport>
{
    private const string EventStream = "application/vnd.amazon.eventstream";
    private const string HttpIntegration = "application/vnd.awslambda.http-integration-response";

    [Fact]
    public async Task Stream_Complete_MessagesAreAsAssumed()
    {
        var call = await LiveCall.ProbeAsync("stream");

        Assert.Null(call.Failure);
        Assert.Equal("Hello from the probe", call.Text);
        report.Add("Content-Type of a stream", "design-decisions.md", $"{EventStream} or text/plain",
            call.GetResponseHeader("Content-Type"));
        report.Add("ResponseStreamContentType", "InvokeWithResponseStreamResponse", $"{EventStream} or text/plain",
            call.Response!.ResponseStreamContentType);
        report.Add("order of messages", "AWS service model", "PayloadChunk, InvokeComplete", call.Order);
        report.Add("headers of a chunk", "AWS service model",
            ":content-type=application/octet-stream; :event-type=PayloadChunk; :message-type=event",
            Format(call.Messages[0].Headers));
        report.Add("headers of InvokeComplete", "AWS service model",
            ":content-type=application/json; :event-type=InvokeComplete; :message-type=event",
            Format(call.Messages[^1].Headers));
        var members = JsonNode.Parse(call.Messages[^1].Payload)!.AsObject().Select(member => member.Key);
        report.Add("members of InvokeComplete without error", "AWS service model", "LogResult",
            string.Join(", ", members));
        report.Add("chunks that were written apart by 0.1 s", "AWS service model", "4", $"{call.Messages.Count - 1}");
        var log = call.Response.InvokeComplete!.DecodeLogResult() ?? "";
        report.Add("the log tail contains the function's own line", "testing.md", "yes",
            log.Contains("a line of the log", StringComparison.Ordinal) ? "yes" : "no");
        report.Add("the log tail contains START, END or REPORT", "testing.md", null,
            log.Contains("REPORT", StringComparison.Ordinal) ? "yes" : "no");
        report.Add("executed version", "AWS service model", "$LATEST", call.Response.ExecutedVersion);
    }

    [Fact]
    public async Task Http_Prelude_IsBeforeTheBody()
    {
        var call = await LiveCall.ProbeAsync("http");

        Assert.Null(call.Failure);
        report.Add("ResponseStreamContentType of an HTTP response", "reading.md", $"{HttpIntegration} or {EventStream}",
            call.Response!.ResponseStreamContentType);
        report.Add("the bytes begin with an HTTP prelude", "reading.md", "yes",
            call.Text.StartsWith("{\"", StringComparison.Ordinal) && call.Text.Contains("\0\0\0\0\0\0\0\0created")
                ? "yes"
                : "no");
    }

    [Fact]
    public async Task Idle_TenSeconds_NothingIsSentMeanwhile()
    {
        var call = await LiveCall.ProbeAsync("idle");

        Assert.Null(call.Failure);
        Assert.Equal("beforeafter", call.Text);
        report.Add("messages during 10 idle seconds", "AWS service model", "none",
            call.Messages.Count == 3 ? "none" : $"{call.Messages.Count - 3}");
        report.Add("longest wait, seconds", "AWS service model", "10", $"{call.LongestWait.TotalSeconds:F0}");
    }

    [Fact]
    public async Task Large_EightMebibytes_AllBytesArrive()
    {
        var call = await LiveCall.ProbeAsync("large");

        Assert.Null(call.Failure);
        Assert.Equal(8 * 1024 * 1024, call.Text.Length);
        var largest = call.Messages.Max(message => message.Payload.Length);
        report.Add("largest chunk is below 16 MiB, the client's limit", "reading.md", "yes",
            largest < 16 * 1024 * 1024 ? "yes" : $"{largest}");
    }

    [Fact]
    public async Task Environment_OfANodeFunction_IsThatOfServe()
    {
        var call = await LiveCall.ProbeAsync("environment");

        Assert.Null(call.Failure);
        (string Name, string Assumed)[] expected =
        [
            ("TZ", ":UTC"),
            ("LANG", "en_US.UTF-8"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_nodejs24.x"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ];
        var seen = JsonNode.Parse(call.Text)!;
        foreach (var (name, assumed) in expected)
            report.Add($"variable {name}", "local-functions.md", assumed, (string?)seen[name]);
    }

    [Theory]
    [InlineData("fail", "partial", "RangeError or Unhandled")]
    [InlineData("failFirst", "", "RangeError or Unhandled")]
    [InlineData("exit", "partial", "Runtime.TruncatedResponse or Runtime.ExitError")]
    [InlineData("exitFirst", "", "Runtime.ExitError")]
    [InlineData("timeout", "partial", "Sandbox.Timedout or Sandbox.Timeout")]
    public async Task Failure_OfTheFunction_ThrowsFunctionErrorException(string action, string text, string assumed)
    {
        var call = await LiveCall.ProbeAsync(action, "Failure_" + action);

        var failure = Assert.IsType<FunctionErrorException>(call.Failure);
        report.Add($"{action}: ErrorCode", "FunctionErrorCodes", assumed, failure.ErrorCode);
        report.Add($"{action}: payload before the error", "errors.md", text.Length == 0 ? "none" : text,
            call.Text.Length == 0 ? "none" : call.Text);
        report.Add($"{action}: ErrorDetails is a JSON object", "errors.md", null,
            failure.FunctionErrorType is null ? $"no: {failure.ErrorDetails}" : "yes");
        report.Add($"{action}: order of messages", "AWS service model",
            text.Length == 0 ? "InvokeComplete" : "PayloadChunk, InvokeComplete", call.Order);
    }

    [Fact]
    public async Task Buffered_Function_ArrivesCompletely()
    {
        var call = await LiveCall.InvokeAsync("buffered");

        Assert.Null(call.Failure);
        Assert.Equal("""{"hello":"world"}""", call.Text);
        report.Add("chunks of a buffered function", "AWS service model", "1", $"{call.Messages.Count - 1}");
        report.Add("ResponseStreamContentType of a buffered function", "InvokeWithResponseStreamResponse",
            $"{EventStream} or application/json", call.Response!.ResponseStreamContentType);
    }

    [Fact]
    public async Task DryRun_StatusIs204()
    {
        var call = await LiveCall.InvokeAsync(
            "probe", change: request => request with { InvocationType = InvocationType.DryRun });

        Assert.Null(call.Failure);
        report.Add("status of a dry run", "AWS service model", "204", $"{(int)call.Response!.StatusCode}");
    }

    [Fact]
    public async Task Throttled_Function_ThrowsTooManyRequestsException()
    {
        var call = await LiveCall.InvokeAsync("throttled");

        var failure = Assert.IsType<TooManyRequestsException>(call.Failure);
        Assert.False(failure.FunctionMayHaveRun);
        report.Add("reason at a reserved concurrency of 0", "AWS service model",
            "ReservedFunctionConcurrentInvocationLimitExceeded", failure.Reason?.ToString());
        report.Add("Retry-After of a throttled call", "AWS service model", "none or 0 or 1",
            call.GetResponseHeader("Retry-After"));
    }

    [Theory]
    [InlineData("unknown function", 404, "ResourceNotFoundException")]
    [InlineData("unknown version", 404, "ResourceNotFoundException")]
    [InlineData("payload is not JSON", 400, "InvalidRequestContentException")]
    [InlineData("payload is not UTF-8", 400, "InvalidRequestContentException")]
    public async Task InvalidRequest_Each_IsTheAssumedError(string name, int status, string code)
    {
        var call = name switch
        {
            "unknown function" => await LiveCall.InvokeAsync("unknown", test: name),
            "unknown version" => await LiveCall.InvokeAsync(
                "probe", change: r => r with { Qualifier = "99" }, test: name),
            "payload is not JSON" => await LiveCall.InvokeAsync("probe", "not JSON", test: name),
            _ => await LiveCall.InvokeAsync(
                "probe", change: r => r with { Payload = new byte[] { (byte)'"', 0xFF, (byte)'"' } }, test: name),
        };

        var error = call.Failure as LambdaServiceException;
        Assert.True(error is not { FunctionMayHaveRun: true });
        report.Add($"{name}: status and error", "errors.md", $"{status} {code}",
            error is null ? $"{call.Failure?.GetType().Name}" : $"{(int)error.StatusCode} {error.ErrorCode}");
        report.Add($"{name}: the error is in the header X-Amzn-ErrorType", "AWS service model", "yes",
            call.GetResponseHeader("X-Amzn-ErrorType") == "none" ? "no" : "yes");
    }

    [Theory]
    [InlineData("node")]
    [InlineData("dotnet")]
    public async Task Sample_Function_StreamsAndFails(string name)
    {
        var stack = Environment.GetEnvironmentVariable("LAMBDASTREAMING_LIVE_SAMPLE");
        Assert.SkipWhen(
            string.IsNullOrEmpty(stack), "Calls the functions of samples/Deploy: run tests/Live/check --sample.");
        using var client = new LambdaStreamingClient();
        var token = TestContext.Current.CancellationToken;
        var text = new StringBuilder();
        var texts = client.InvokeTextAsync($"{stack}-{name}", """{"prompt":"Hello"}""", cancellationToken: token);
        await foreach (var part in texts) text.Append(part);

        var failing = client.InvokeTextAsync($"{stack}-{name}", """{"fail":true}""", cancellationToken: token);
        var failure = await Assert.ThrowsAsync<FunctionErrorException>(async () =>
        {
            await foreach (var part in failing) Assert.NotEmpty(part);
        });

        Assert.Equal("You wrote: Hello ", text.ToString());
        report.Add($"sample {name}: ErrorCode", "samples/Deploy",
            name == "node" ? "Error" : "InvalidOperationException", failure.ErrorCode);
    }

    private static string Format(Dictionary<string, string> headers) =>
        string.Join("; ", headers.OrderBy(header => header.Key).Select(header => $"{header.Key}={header.Value}"));
}
