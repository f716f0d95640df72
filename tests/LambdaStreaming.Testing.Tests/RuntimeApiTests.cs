using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using LambdaStreaming.Testing.RuntimeApi;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

/// <summary>The Runtime API against runtimes that do what official ones do not.</summary>
public class RuntimeApiTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Response_ErrorInTrailersIsLarge_ArrivesWhole()
    {
        using var runtime = Runtime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();
        string details = new('x', 100_000);

        var answer = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var connection = await process.StreamAsync(
            await process.NextIdAsync(),
            "part",
            $"Lambda-Runtime-Function-Error-Type: RangeError\r\nLambda-Runtime-Function-Error-Body: {Convert.ToBase64String(Encoding.UTF8.GetBytes(details))}\r\n");

        Assert.Equal(new("part", "RangeError", details), await answer.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Error_CauseInTheHeaderIsLarge_ArrivesWhole()
    {
        using var runtime = Runtime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();
        string details = new('x', 100_000);

        var answer = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var taken = await process.PostAsync(
            $"invocation/{await process.NextIdAsync()}/error", details, ("lambda-runtime-function-xray-error-cause", details));

        Assert.Equal(HttpStatusCode.Accepted, taken.StatusCode);
        Assert.Equal(new("", "Unhandled", details), await answer.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Response_ContentTypeIsBlank_IsIgnored()
    {
        using var runtime = Runtime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var answer = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var taken = await process.PostAsync($"invocation/{await process.NextIdAsync()}/response", "good", ("Content-Type", ""));

        Assert.Equal(new("good", null, null), await answer.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Response_BeginsASecondTime_FailsTheCall()
    {
        using var runtime = Runtime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var answer = client.InvokeWithResponseStreamAsync(new("hand"), Token);
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        using var first = await process.StreamAsync(id, "part", trailers: null);
        await using var response = await answer;
        await using var chunks = response.ReadChunksAsync(Token).GetAsyncEnumerator(Token);
        Assert.True(await chunks.MoveNextAsync());
        await Record.ExceptionAsync(async () => (await process.RespondAsync(id, "again")).Dispose());
        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => chunks.MoveNextAsync().AsTask().WaitAsync(Soon, Token));

        Assert.Equal("Runtime.Unknown", error.ErrorCode);
    }

    [Theory]
    [InlineData("Lambda-Runtime-Aws-Tenant-Id", "blüe", null)]
    [InlineData("Lambda-Runtime-Trace-Id", null, "Root=ü")]
    public async Task Next_HeaderCannotCarryAValue_FailsTheCallAndServesTheNext(string header, string? tenant, string? trace)
    {
        using var runtime = Runtime(maxProcesses: 1);
        await using var server = await StartAsync(runtime, verifySignatures: false);
        using var client = server.CreateClient();

        var bad = await SendAsync(server, tenant, trace);
        var process = await runtime.NextProcessAsync();
        var next = process.NextIdAsync();
        var good = InvokeAsync(client);
        using var taken = await process.RespondAsync(await next, "good");

        Assert.Equal("Runtime.Unknown", (string?)bad["ErrorCode"]);
        Assert.Contains(header, (string?)bad["ErrorDetails"]);
        Assert.Equal("good", (await good.WaitAsync(Soon, Token)).Text);
    }

    [Fact]
    public async Task Next_QualifierIsNotAscii_FailsTheCall()
    {
        using var runtime = Runtime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("hand", query: "Qualifier=l%C3%BCve").WaitAsync(Soon, Token);
        var complete = Messages.Complete(await response.Content.ReadAsByteArrayAsync(Token).WaitAsync(Soon, Token));

        Assert.Equal("Runtime.Unknown", (string?)complete["ErrorCode"]);
    }

    [Theory]
    [InlineData("{\"name\":\"Zoë\",\n\t\"tab\":\"\\t\",\"face\":\"😀\",\"delete\":\"\u007f\",\"é\":[1, 1.0, 1E400]}")]
    [InlineData("{}")]
    public async Task Next_ClientContextIsAnObject_ArrivesOnOneLineOfAscii(string context)
    {
        var arrived = await ClientContextAsync(context);

        Assert.Equal(JsonNode.Parse(context)!.ToJsonString(), JsonNode.Parse(arrived)!.ToJsonString());
        Assert.DoesNotContain(arrived, c => c is < ' ' or > '~');
    }

    [Fact]
    public async Task Next_ClientContextHasAnEscapedLoneSurrogate_ArrivesUnchanged() =>
        Assert.Equal("""{"a":"\ud800","a":2}""", await ClientContextAsync("""{"a":"\ud800","a":2}"""));

    [Fact]
    public async Task Next_ClientContextIsNestedDeep_ArrivesUnchanged()
    {
        var deep = "{\"a\":" + new string('[', 1_100) + new string(']', 1_100) + "}";

        Assert.Equal(deep, await ClientContextAsync(deep));
    }

    [Fact]
    public async Task Process_EndsAfterItsAnswer_TheNextCallHasANewOne()
    {
        using var runtime = Runtime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var first = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var taken = await process.RespondAsync(await process.NextIdAsync(), "one");
        Assert.Equal("one", (await first).Text);
        var second = InvokeAsync(client);
        await server.WaitForRequestAsync(Token);
        await server.WaitForRequestAsync(Token);
        process.Kill();
        process = await runtime.NextProcessAsync();
        using var takenToo = await process.RespondAsync(await process.NextIdAsync(), "two");

        Assert.Equal(new("two", null, null), await second.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task InvokeAsync_UsedProcessEndsBeforeItIsGivenTheCall_LeavesTheCallForAnother()
    {
        using var runtime = Runtime();
        await using var process = await RuntimeProcess.StartAsync(runtime.Options, new LocalLambdaServerOptions(), "hand", Token);
        var program = await runtime.NextProcessAsync();
        var first = Call();
        var used = process.InvokeAsync(first);
        await program.NextIdAsync();
        first.SetDone();
        await used;
        var second = Call();

        var lost = process.InvokeAsync(second);
        program.Kill();
        await lost.WaitAsync(Soon, Token);

        Assert.Equal((true, false, false), (process.HasExited, second.IsDelivered, second.Done.IsCompleted));

        static RuntimeInvocation Call() => new(
            new() { RequestId = Guid.NewGuid().ToString(), FunctionName = "hand", ExecutedVersion = "1", InvocationType = "RequestResponse", LogType = "None", Headers = new Dictionary<string, string>() },
            new(null!));
    }

    [Fact]
    public async Task Process_AsksLate_TheNextCallWaitsForIt()
    {
        using var runtime = Runtime(maxProcesses: 1);
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var first = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var taken = await process.RespondAsync(await process.NextIdAsync(), "one");
        Assert.Equal("one", (await first).Text);
        var second = InvokeAsync(client);
        await server.WaitForRequestAsync(Token);
        await server.WaitForRequestAsync(Token);
        using var takenToo = await process.RespondAsync(await process.NextIdAsync(), "two");

        Assert.Equal("two", (await second.WaitAsync(Soon, Token)).Text);
        Assert.False(runtime.HasAnotherProcess());
    }

    [Fact]
    public async Task Process_PostsInitErrorAndStays_IsReplaced()
    {
        using var runtime = Runtime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var first = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        // The process may be killed before it has its answer.
        await Record.ExceptionAsync(async () => (await process.PostAsync("init/error", "no such file", ("Lambda-Runtime-Function-Error-Type", "Runtime.ImportModuleError"))).Dispose());
        Assert.Equal(new("", "Runtime.ImportModuleError", "no such file"), await first.WaitAsync(Soon, Token));
        var second = InvokeAsync(client);
        process = await runtime.NextProcessAsync();
        using var taken = await process.RespondAsync(await process.NextIdAsync(), "good");

        Assert.Equal("good", (await second.WaitAsync(Soon, Token)).Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Concurrency_ClientLeaves_IsHeldUntilTheProcessHasAnswered(bool reserved)
    {
        using var runtime = Runtime();
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                var function = s.AddFunction("hand", runtime.Options);
                if (reserved) function.WithReservedConcurrency(1);
                else s.MaxConcurrency = 1;
            },
            Token);
        using var patience = new CancellationTokenSource();
        using var http = new SignedHttp(server);
        using var client = server.CreateClient();

        var left = client.InvokeWithResponseStreamAsync(new("hand"), patience.Token);
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        await server.Requests[0].Completed.WaitAsync(Soon, Token);
        using var throttled = await http.InvokeAsync("hand").WaitAsync(Soon, Token);
        using var taken = await process.RespondAsync(id, "late");
        var next = process.NextIdAsync();
        var again = http.InvokeAsync("hand");
        while (await Task.WhenAny(again, next).WaitAsync(Soon, Token) == again) again = http.InvokeAsync("hand");
        using var takenToo = await process.RespondAsync(await next, "again");
        using var good = await again.WaitAsync(Soon, Token);

        Assert.Equal([HttpStatusCode.TooManyRequests, HttpStatusCode.OK], [throttled.StatusCode, good.StatusCode]);
    }

    [Fact]
    public async Task Concurrency_TimeIsOver_IsFree()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var runtime = Runtime();
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("hand", runtime.Options).WithTimeout(TimeSpan.FromSeconds(3)).WithReservedConcurrency(1);
            },
            Token);
        using var client = server.CreateClient();

        var late = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        await process.NextIdAsync();
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("Sandbox.Timedout", (await late.WaitAsync(Soon, Token)).ErrorCode);
        var second = InvokeAsync(client);
        process = await runtime.NextProcessAsync();
        using var taken = await process.RespondAsync(await process.NextIdAsync(), "good");

        Assert.Equal("good", (await second.WaitAsync(Soon, Token)).Text);
    }

    private static HandRuntime Runtime(int maxProcesses = 10)
    {
        HandRuntime.Needed();
        return new(maxProcesses);
    }

    private static Task<LocalLambdaServer> StartAsync(HandRuntime runtime, bool verifySignatures = true) => LocalLambdaServer.StartAsync(
        s =>
        {
            s.VerifySignatures = verifySignatures;
            s.AddFunction("hand", runtime.Options);
        },
        Token);

    // What our own client would refuse to send.
    private static async Task<JsonNode> SendAsync(LocalLambdaServer server, string? tenant, string? trace)
    {
        using var http = new SignedHttp(server);
        using var response = await http.InvokeAsync(
            "hand",
            headers: headers =>
            {
                if (tenant is not null) headers.TryAddWithoutValidation("X-Amz-Tenant-Id", tenant);
                if (trace is not null) headers.TryAddWithoutValidation("X-Amzn-Trace-Id", trace);
            },
            sign: false).WaitAsync(Soon, Token);
        return Messages.Complete(await response.Content.ReadAsByteArrayAsync(Token).WaitAsync(Soon, Token));
    }

    // As the process receives it.
    private static async Task<string> ClientContextAsync(string context)
    {
        using var runtime = Runtime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var answer = InvokeAsync(client, Convert.ToBase64String(Encoding.UTF8.GetBytes(context)));
        var process = await runtime.NextProcessAsync();
        using var next = await process.NextAsync();
        using var taken = await process.RespondAsync(next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single(), "good");

        Assert.Equal("good", (await answer.WaitAsync(Soon, Token)).Text);
        return next.Headers.GetValues("Lambda-Runtime-Client-Context").Single();
    }

    private static async Task<Answer> InvokeAsync(LambdaStreamingClient client, string? clientContext = null)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(new("hand") { ClientContext = clientContext }, Token);
        var text = new StringBuilder();
        try
        {
            await foreach (var chunk in response.ReadChunksAsync(Token)) text.Append(Encoding.UTF8.GetString(chunk.ToArray()));
            return new(text.ToString(), null, null);
        }
        catch (FunctionErrorException exception)
        {
            return new(text.ToString(), exception.ErrorCode, exception.ErrorDetails);
        }
    }

    private sealed record Answer(string Text, string? ErrorCode, string? ErrorDetails);
}
