using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Amazon;
using LambdaStreaming.Tests;
using LambdaStreaming.Tool.Tests;
using Moq;
using Polly;
using Polly.Retry;

namespace LambdaStreaming.Docs.Tests;

/// <summary>
/// The code in README.md, in the READMEs of the packages, and in the pages about first calls, configuration,
/// permissions, migration and retries.
/// </summary>
public sealed class GettingStartedSnippets
{
    private readonly StringBuilder _output = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FirstCall()
    {
        var cancellationToken = Ct;
        using var output = new MemoryStream();

        // begin: first-call
        // Region and credentials come from the default AWS provider chain.
        using var client = new LambdaStreamingClient();

        var request = InvokeWithResponseStreamRequest.FromJson("my-function", """{"prompt":"Tell me a story"}""");
        await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);

        await foreach (var chunk in response.ReadChunksAsync(cancellationToken))
        {
            foreach (var segment in chunk.Payload) await output.WriteAsync(segment, cancellationToken);
            await output.FlushAsync(cancellationToken);
        }
        // end: first-call

        Assert.Equal("Hello, world", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Theory]
    [InlineData(null, "Hello")]
    [InlineData("function", "Hello|The function test-function failed")]
    [InlineData("truncated", "Hello|The function might have run: truncated")]
    [InlineData("throttled", "The function did not run: slow down")]
    public async Task Failures(string? failure, string expected)
    {
        var (client, request, cancellationToken) = (Responding(failure), new InvokeWithResponseStreamRequest("f"), Ct);

        // begin: failures
        try
        {
            await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
            await foreach (var chunk in response.ReadChunksAsync(cancellationToken)) Show(chunk.Payload);
        }
        catch (FunctionErrorException exception)
        {
            // The function failed, before or during its response.
            Report(exception.Message);
        }
        catch (LambdaStreamingException exception)
        {
            // The service returned an error or could not be reached, or the response is incomplete.
            Report(exception.FunctionMayHaveRun
                ? $"The function might have run: {exception.Message}"
                : $"The function did not run: {exception.Message}");
        }
        // end: failures

        Assert.StartsWith(expected, _output.ToString().TrimStart('|'), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prompt()
    {
        var received = "";
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => server.AddFunction("my-function", (invocation, _, _) =>
            {
                received = invocation.PayloadAsString();
                return Task.CompletedTask;
            }),
            Ct);
        using var client = lambda.CreateClient();
        var (line, cancellationToken) = ("\",\"admin\":true,\"b\":\"", Ct);

        // begin: prompt
        var input = new ChatInput(line);
        var type = AppJson.Default.ChatInput;
        await foreach (var text in client.InvokeTextAsync(
            "my-function", input, type, cancellationToken: cancellationToken))
        {
            Console.Write(text);
        }
        // end: prompt

        var member = Assert.Single(JsonSerializer.Deserialize<Dictionary<string, string>>(received)!);
        Assert.Equal(("prompt", line), (member.Key, member.Value));
    }

    [Fact]
    public async Task Owned()
    {
        var (response, cancellationToken) = (InvokeWithResponseStreamResponse.Create(["a", "b"]), Ct);

        // begin: owned
        var parts = new List<byte[]>();
        await foreach (var chunk in response.ReadChunksAsync(cancellationToken)) parts.Add(chunk.ToArray());
        // end: owned

        Assert.Equal(["a"u8.ToArray(), "b"u8.ToArray()], parts);
    }

    [Fact]
    public async Task LocalServer()
    {
        var cancellationToken = Ct;

        // begin: local-server
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => server.AddFunction("hello", async (invocation, response, cancellationToken) =>
            {
                await response.WriteTextAsync("hello", cancellationToken);
            }),
            cancellationToken);
        using var client = lambda.CreateClient();

        var request = new InvokeWithResponseStreamRequest("hello");
        await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
        // end: local-server

        Assert.Equal("hello", await response.ReadAsStringAsync(cancellationToken: cancellationToken));
    }

    [Fact]
    public async Task Options()
    {
        // begin: options
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions
        {
            Region = RegionEndpoint.EUCentral1,
            IdleTimeout = TimeSpan.FromMinutes(2),
            Retry = { MaxAttempts = 5, Policy = LambdaRetryPolicy.AtLeastOnce },
        });
        // end: options

        await AssertCallsAsync(client);
    }

    [Fact]
    public async Task OwnHttpClient()
    {
        // begin: own-http-client
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            MaxResponseDrainSize = 0,
        };
        using var httpClient = new HttpClient(new SendOnceHandler(handler)) { Timeout = Timeout.InfiniteTimeSpan };
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions(), httpClient);
        // end: own-http-client

        await AssertCallsAsync(client);
    }

    [Fact]
    public async Task DryRun()
    {
        using var client = new LambdaStreamingClient();
        var cancellationToken = Ct;

        // begin: dry-run
        var request = new InvokeWithResponseStreamRequest("my-function") { InvocationType = InvocationType.DryRun };

        // Returns status 204, or throws an exception that names the missing permission.
        await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
        // end: dry-run

        Assert.Equal(System.Net.HttpStatusCode.NoContent, response.StatusCode);
    }

    [Fact]
    public async Task Migrated()
    {
        using var output = new MemoryStream();
        var (payload, cancellationToken) = ("\"payload\""u8.ToArray(), Ct);

        // begin: migrated
        var options = new LambdaStreamingClientOptions { Region = RegionEndpoint.EUCentral1 };
        using var client = new LambdaStreamingClient(options);

        var request = new InvokeWithResponseStreamRequest("my-function") { Payload = payload, LogType = LogType.Tail };
        await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);

        await foreach (var streamEvent in response.WithCancellation(cancellationToken))
        {
            if (streamEvent.TryGetPayloadChunk(out var chunk))
            {
                foreach (var segment in chunk.Payload) await output.WriteAsync(segment, cancellationToken);
            }
            else
            {
                Report(streamEvent.InvokeComplete?.DecodeLogResult());
            }
        }
        // end: migrated

        Assert.Equal("Hello, world", Encoding.UTF8.GetString(output.ToArray()));
        Assert.Contains("said hello", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RetriesIdempotent()
    {
        // begin: retries-idempotent
        // An idempotent function: running it twice is better than failing.
        var options = new LambdaStreamingClientOptions
        {
            Retry = { Policy = LambdaRetryPolicy.AtLeastOnce, MaxAttempts = 5 },
        };
        // end: retries-idempotent

        Assert.Equal(3, await CountAttemptsAsync(options, function => function.OnCalls(1, 2).RespondWithStatus(503)));
    }

    [Theory]
    [InlineData(null, "Hello")]
    [InlineData("throttled", "not paid")]
    [InlineData("truncated", "Hello unknown")]
    public async Task RetriesPayment(string? failure, string expected)
    {
        var (client, order, cancellationToken) = (Responding(failure), "{}"u8.ToArray(), Ct);
        using var receipt = new MemoryStream();
        var outcome = "";
        Action<Exception> notPaid = _ => outcome = "not paid", unknown = _ => outcome = " unknown";

        // begin: retries-payment
        // A payment: never retry automatically, and distinguish "not paid" from "unknown".
        var payment = new InvokeWithResponseStreamRequest("pay")
        {
            Payload = order,
            Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never },
        };
        try
        {
            await using var response = await client.InvokeWithResponseStreamAsync(payment, cancellationToken);
            await foreach (var chunk in response.ReadChunksAsync(cancellationToken)) receipt.Write(chunk.ToArray());
        }
        catch (LambdaStreamingException exception) when (!exception.FunctionMayHaveRun)
        {
            notPaid(exception);     // paying again is safe
        }
        catch (LambdaStreamingException exception)
        {
            unknown(exception);     // check the payment record before paying again
        }
        catch (InvocationCanceledException exception)
        {
            if (exception.FunctionMayHaveRun) unknown(exception);
            else notPaid(exception);
        }
        // end: retries-payment

        Assert.Equal(expected, Encoding.UTF8.GetString(receipt.ToArray()) + outcome);
    }

    [Fact]
    public async Task RetriesChat()
    {
        // begin: retries-chat
        // An interactive chat: fail quickly instead of waiting.
        // (Text that was already delivered stays on the screen; no option is needed.)
        var chat = new LambdaStreamingClientOptions
        {
            ResponseHeadersTimeout = TimeSpan.FromSeconds(30),
            IdleTimeout = TimeSpan.FromSeconds(30),
            Retry = { MaxAttempts = 2, MaxDelay = TimeSpan.FromSeconds(1) },
        };
        // end: retries-chat

        Assert.Equal(2, await CountAttemptsAsync(chat, function => function.OnCalls(1, 1).Throttle()));
    }

    [Theory]
    [InlineData("truncated")]
    [InlineData("corrupt")]
    [InlineData("error in the stream")]
    [InlineData("not ready")]
    public async Task RetriesIncomplete(string failure)
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => Fail(
                server
                    .AddFunction("report", async (_, response, token) => await response.WriteTextAsync("Hello", token))
                    .OnCall(1),
                failure),
            Ct);
        using var client = lambda.CreateClient(options => options.Retry.MaxAttempts = 1);
        var (delay, cancellationToken) = (TimeSpan.Zero, Ct);

        // begin: retries-incomplete
        // An idempotent function: call it again if its response is incomplete.
        const int maxCalls = 3;
        using var report = new MemoryStream();
        for (var call = 1; ; call++)
        {
            report.SetLength(0);     // discard the output of the previous call
            try
            {
                await using var response = await client.InvokeWithResponseStreamAsync(new("report"), cancellationToken);
                await response.CopyToAsync(report, cancellationToken);
                break;
            }
            catch (LambdaStreamingException exception)
                when (call < maxCalls && exception is ResponseStreamException or { IsSafeToRetry: true })
            {
                await Task.Delay(delay, cancellationToken);
            }
        }
        // end: retries-incomplete

        Assert.Equal("Hello", Encoding.UTF8.GetString(report.ToArray()));
        Assert.Equal(2, lambda.Requests.Count);
    }

    [Fact]
    public async Task RetriesResume()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            server =>
            {
                var function = server.AddFunction("export", WriteFromOffsetAsync);
                Fail(function.OnCall(1), "truncated");
                Fail(function.OnCall(2), "error in the stream");
            },
            Ct);
        using var client = lambda.CreateClient();
        using var folder = new TemporaryFolder();
        var (path, delay, cancellationToken) = (folder.File("export.bin"), TimeSpan.Zero, Ct);

        // begin: retries-resume
        // An export whose function can begin at an offset: call it again for the bytes that are missing in the file.
        const int maxCalls = 3;
        await using var file = File.Open(path, FileMode.Append);
        for (var call = 1; ; call++)
        {
            var export = InvokeWithResponseStreamRequest.FromJson("export", $$"""{"offset":{{file.Length}}}""");
            try
            {
                await using var response = await client.InvokeWithResponseStreamAsync(export, cancellationToken);
                await response.CopyToAsync(file, cancellationToken);
                break;
            }
            catch (LambdaStreamingException exception)
                when (call < maxCalls && exception is ResponseStreamException or { IsSafeToRetry: true })
            {
                await Task.Delay(delay, cancellationToken);
            }
        }
        // end: retries-resume

        await file.DisposeAsync();
        Assert.Equal("Hello, world", await File.ReadAllTextAsync(path, Ct));
        Assert.Equal(
            ["{\"offset\":0}", "{\"offset\":5}", "{\"offset\":10}"],
            lambda.Requests.Select(request => Encoding.UTF8.GetString(request.Payload.Span)));

        static async Task WriteFromOffsetAsync(
            FunctionInvocation invocation,
            FunctionResponse response,
            CancellationToken cancellationToken)
        {
            using var payload = JsonDocument.Parse(invocation.Payload);
            var rest = "Hello, world"[payload.RootElement.GetProperty("offset").GetInt32()..];
            foreach (var part in rest.Chunk(5)) await response.WriteTextAsync(new string(part), cancellationToken);
        }
    }

    [Fact]
    public async Task RetriesPipeline()
    {
        // begin: retries-pipeline
        var own = new LambdaStreamingClientOptions
        {
            ResiliencePipeline = new ResiliencePipelineBuilder()
                .AddLambdaRetry(new LambdaRetryOptions { MaxAttempts = 4 })
                .AddTimeout(TimeSpan.FromSeconds(60))     // per attempt, until the response headers
                .Build(),
        };
        // end: retries-pipeline

        var attempts = await CountAttemptsAsync(
            own,
            function => function.OnCalls(1, 3).RespondWithError("ResourceNotReadyException"));
        Assert.Equal(4, attempts);
    }

    [Fact]
    public async Task RetriesMinimum()
    {
        var delay = TimeSpan.Zero;

        // begin: retries-minimum
        // A fixed delay between two attempts, and a log line of your own.
        var patient = new LambdaStreamingClientOptions
        {
            ResiliencePipeline = new ResiliencePipelineBuilder()
                .AddRetry(new RetryStrategyOptions
                {
                    MaxRetryAttempts = 4,
                    Delay = delay,
                    // Only if the function cannot have run.
                    ShouldHandle = arguments => ValueTask.FromResult(
                        arguments.Outcome.Exception is { } exception
                        && LambdaResilience.ShouldRetry(exception, LambdaRetryPolicy.AtMostOnce)),
                    OnRetry = arguments =>
                    {
                        Console.WriteLine($"Retrying after {arguments.RetryDelay}.");
                        return default;
                    },
                })
                .Build(),
        };
        // end: retries-minimum

        Assert.Equal(2, await CountAttemptsAsync(patient, function => function.OnCall(1).Throttle()));
    }

    /// <summary>The statement of docs/retries.md about logs of <c>AddLambdaRetry</c>.</summary>
    [Fact]
    public async Task RetriesPipeline_ConfigureTelemetry_LogsRetries()
    {
        using var loggerFactory = new CollectedLogs();
        var own = new LambdaStreamingClientOptions
        {
            ResiliencePipeline = new ResiliencePipelineBuilder()
                .AddLambdaRetry(new LambdaRetryOptions())
                .ConfigureTelemetry(loggerFactory)
                .Build(),
        };

        Assert.Equal(2, await CountAttemptsAsync(own, function => function.OnCall(1).Throttle()));

        Assert.Single(loggerFactory.Lines, line => line.Contains("'OnRetry'", StringComparison.Ordinal));
    }

    /// <summary>Returns the number of attempts until a call with these options succeeds.</summary>
    private static async Task<int> CountAttemptsAsync(LambdaStreamingClientOptions options, Action<LocalFunction> fail)
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => fail(server.AddFunction("f", async (_, response, token) =>
                await response.WriteTextAsync("Hello", token))),
            Ct);
        options.ServiceUrl = lambda.ServiceUrl;
        options.Region = lambda.Region;
        options.Credentials = lambda.Credentials;
        options.ConnectTimeout = TimeSpan.FromMinutes(1);   // a busy machine can need more than the default
        options.Retry.BaseDelay = options.Retry.ThrottlingBaseDelay = TimeSpan.FromMilliseconds(1);
        using var client = new LambdaStreamingClient(options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);
        Assert.Equal("Hello", await response.ReadAsStringAsync(cancellationToken: Ct));
        return lambda.Requests.Count;
    }

    private static CallBehavior Fail(CallBehavior call, string failure) => failure switch
    {
        "truncated" => call.TruncateAfterChunks(1, TruncationMode.EndOfBody),
        "corrupt" => call.BytesAfterChunks(1, "<html>"u8.ToArray()),
        "error in the stream" => call.ExceptionAfterChunks(1, "ServiceException", "failed"),
        _ => call.RespondWithError("ResourceNotReadyException"),
    };

    private static async Task AssertCallsAsync(LambdaStreamingClient client)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        Assert.Equal("Hello, world", await response.ReadAsStringAsync(cancellationToken: Ct));
    }

    private static ILambdaStreamingClient Responding(string? failure)
    {
        var client = new Mock<ILambdaStreamingClient>();
        var call = client.Setup(mock => mock.InvokeWithResponseStreamAsync(
            It.IsAny<InvokeWithResponseStreamRequest>(),
            It.IsAny<CancellationToken>()));
        switch (failure)
        {
            case "throttled":
                call.ThrowsAsync(new TooManyRequestsException("slow down"));
                break;
            case "function":
                var complete = new InvokeComplete
                {
                    ErrorCode = "Unhandled",
                    ErrorDetails = """{"errorType":"RangeError","errorMessage":"out of tokens"}""",
                };
                call.ReturnsAsync(InvokeWithResponseStreamResponse.Create(["Hello"], complete));
                break;
            default:
                var exception = failure is null ? null : new ResponseStreamTruncatedException(failure);
                call.ReturnsAsync(InvokeWithResponseStreamResponse.Create(["Hello"], failure: exception));
                break;
        }

        return client.Object;
    }

    private void Show(ReadOnlySequence<byte> payload) => _output.Append(Encoding.UTF8.GetString(payload));

    private void Report(string? text) => _output.Append('|').Append(text);
}

// begin: prompt-types
internal sealed record ChatInput(string Prompt);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ChatInput))]
internal sealed partial class AppJson : JsonSerializerContext;
// end: prompt-types
