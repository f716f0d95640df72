using System.Buffers;
using System.Text;
using Amazon;
using Moq;
using Polly;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code of README.md, of the pages on first calls, settings, permissions, migrating and resends, and of the packages' READMEs.</summary>
public sealed class GettingStartedSnippets
{
    private readonly StringBuilder _seen = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FirstCall()
    {
        var cancellationToken = Ct;
        using var output = new MemoryStream();

        // begin: first-call
        using var client = new LambdaStreamingClient();   // region and credentials from the environment, as every AWS SDK

        var request = InvokeWithResponseStreamRequest.FromJson("my-function", """{"prompt":"Tell me a tale"}""");
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
    [InlineData("function", "Hello|RangeError: out of tokens")]
    [InlineData("cut", "Hello|It may have run: cut")]
    [InlineData("refused", "It did not run: slow down")]
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
            // The function itself failed, before or amid its answer.
            Report($"{exception.FunctionErrorType}: {exception.FunctionErrorMessage}");
        }
        catch (LambdaStreamingException exception)
        {
            // The service refused, could not be reached, or the answer broke off.
            Report(exception.FunctionMayHaveRun ? $"It may have run: {exception.Message}" : $"It did not run: {exception.Message}");
        }
        // end: failures

        Assert.StartsWith(expected, _seen.ToString().TrimStart('|'), StringComparison.Ordinal);
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
            server => server.AddFunction("hello", async (invocation, response, cancellationToken) => await response.WriteTextAsync("hello", cancellationToken)),
            cancellationToken);
        using var client = lambda.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("hello"), cancellationToken);
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
        await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);   // 204, or the exception that says what is missing
        // end: dry-run

        Assert.Equal(System.Net.HttpStatusCode.NoContent, response.StatusCode);
    }

    [Fact]
    public async Task Migrated()
    {
        var (payload, cancellationToken) = ("\"payload\""u8.ToArray(), Ct);

        // begin: migrated
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions { Region = RegionEndpoint.EUCentral1 });

        var request = new InvokeWithResponseStreamRequest("my-function") { Payload = payload, LogType = LogType.Tail };
        await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);

        await foreach (var streamEvent in response.WithCancellation(cancellationToken))
        {
            if (streamEvent.TryGetPayloadChunk(out var chunk)) Show(chunk.Payload);
            else Report(streamEvent.InvokeComplete?.DecodeLogResult());
        }
        // end: migrated

        Assert.StartsWith("Hello, world|", _seen.ToString(), StringComparison.Ordinal);
        Assert.Contains("said hello", _seen.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResendsIdempotent()
    {
        // begin: resends-idempotent
        // An idempotent function: let it run twice rather than fail.
        var options = new LambdaStreamingClientOptions { Retry = { Policy = LambdaRetryPolicy.AtLeastOnce, MaxAttempts = 5 } };
        // end: resends-idempotent

        Assert.Equal(3, await AttemptsAsync(options, function => function.OnCalls(1, 2).RespondWithStatus(503)));
    }

    [Theory]
    [InlineData(null, "Hello")]
    [InlineData("refused", "not paid")]
    [InlineData("cut", "Hello unknown")]
    public async Task ResendsPayment(string? failure, string expected)
    {
        var (client, order, cancellationToken) = (Responding(failure), "{}"u8.ToArray(), Ct);
        using var receipt = new MemoryStream();
        var outcome = "";
        Action<Exception> notPaid = _ => outcome = "not paid", unknown = _ => outcome = " unknown";

        // begin: resends-payment
        // A payment: once or not at all, and know which. One send; then ask before doing it again.
        var payment = new InvokeWithResponseStreamRequest("pay") { Payload = order, Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never } };
        try
        {
            await using var response = await client.InvokeWithResponseStreamAsync(payment, cancellationToken);
            await foreach (var chunk in response.ReadChunksAsync(cancellationToken)) receipt.Write(chunk.ToArray());
        }
        catch (LambdaStreamingException exception) when (!exception.FunctionMayHaveRun)
        {
            notPaid(exception);     // safe to offer "try again"
        }
        catch (LambdaStreamingException exception)
        {
            unknown(exception);     // ask the payment's own record before trying again
        }
        catch (InvocationCanceledException exception)
        {
            if (exception.FunctionMayHaveRun) unknown(exception);
            else notPaid(exception);
        }
        // end: resends-payment

        Assert.Equal(expected, Encoding.UTF8.GetString(receipt.ToArray()) + outcome);
    }

    [Fact]
    public async Task ResendsChat()
    {
        // begin: resends-chat
        // An interactive chat: fail soon rather than wait, and keep what was shown.
        var chat = new LambdaStreamingClientOptions
        {
            ResponseHeadersTimeout = TimeSpan.FromSeconds(30),
            IdleTimeout = TimeSpan.FromSeconds(30),
            Retry = { MaxAttempts = 2, MaxDelay = TimeSpan.FromSeconds(1) },
        };
        // end: resends-chat

        Assert.Equal(2, await AttemptsAsync(chat, function => function.OnCalls(1, 1).Throttle()));
    }

    [Fact]
    public async Task ResendsPipeline()
    {
        // begin: resends-pipeline
        var own = new LambdaStreamingClientOptions
        {
            ResiliencePipeline = new ResiliencePipelineBuilder()
                .AddLambdaRetry(new LambdaRetryOptions { MaxAttempts = 4 })
                .AddTimeout(TimeSpan.FromSeconds(60))     // of one attempt, up to the head of its answer
                .Build(),
        };
        // end: resends-pipeline

        Assert.Equal(4, await AttemptsAsync(own, function => function.OnCalls(1, 3).RespondWithError("ResourceNotReadyException")));
    }

    /// <summary>How many attempts a call with these options takes to succeed.</summary>
    private static async Task<int> AttemptsAsync(LambdaStreamingClientOptions options, Action<LocalFunction> fail)
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server => fail(server.AddFunction("f", async (_, response, token) => await response.WriteTextAsync("Hello", token))), Ct);
        options.ServiceUrl = lambda.ServiceUrl;
        options.Region = lambda.Region;
        options.Credentials = lambda.Credentials;
        options.Retry.BaseDelay = options.Retry.ThrottlingBaseDelay = TimeSpan.FromMilliseconds(1);
        using var client = new LambdaStreamingClient(options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);
        Assert.Equal("Hello", await response.ReadAsStringAsync(cancellationToken: Ct));
        return lambda.Requests.Count;
    }

    private static async Task AssertCallsAsync(LambdaStreamingClient client)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        Assert.Equal("Hello, world", await response.ReadAsStringAsync(cancellationToken: Ct));
    }

    private static ILambdaStreamingClient Responding(string? failure)
    {
        var client = new Mock<ILambdaStreamingClient>();
        var call = client.Setup(mock => mock.InvokeWithResponseStreamAsync(It.IsAny<InvokeWithResponseStreamRequest>(), It.IsAny<CancellationToken>()));
        switch (failure)
        {
            case "refused":
                call.ThrowsAsync(new TooManyRequestsException("slow down"));
                break;
            case "function":
                call.ReturnsAsync(InvokeWithResponseStreamResponse.Create(["Hello"], new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = """{"errorType":"RangeError","errorMessage":"out of tokens"}""" }));
                break;
            default:
                call.ReturnsAsync(InvokeWithResponseStreamResponse.Create(["Hello"], failure: failure is null ? null : new ResponseStreamTruncatedException(failure)));
                break;
        }

        return client.Object;
    }

    private void Show(ReadOnlySequence<byte> payload) => _seen.Append(Encoding.UTF8.GetString(payload));

    private void Report(string? text) => _seen.Append('|').Append(text);
}
