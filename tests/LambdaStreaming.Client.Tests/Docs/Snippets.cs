using System.Buffers;
using Amazon;
using LambdaStreaming.Testing;
using Polly;

namespace LambdaStreaming.Tests.Docs;

/// <summary>The code of README.md, docs/ and the packages' READMEs, compiled; <see cref="SnippetTests"/> holds them equal.</summary>
public static class Snippets
{
    public static async Task FirstCallAsync(Stream output, CancellationToken cancellationToken)
    {
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
    }

    public static async Task FailuresAsync(ILambdaStreamingClient client, InvokeWithResponseStreamRequest request, CancellationToken cancellationToken)
    {
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
    }

    public static async Task OwnedAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        // begin: owned
        var parts = new List<byte[]>();
        await foreach (var chunk in response.ReadChunksAsync(cancellationToken)) parts.Add(chunk.ToArray());
        // end: owned
    }

    public static async Task LocalServerAsync(CancellationToken cancellationToken)
    {
        // begin: local-server
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => server.AddFunction("hello", async (invocation, response, cancellationToken) => await response.WriteTextAsync("hello", cancellationToken)),
            cancellationToken);
        using var client = lambda.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("hello"), cancellationToken);
        // end: local-server
    }

    public static void WithOptions()
    {
        // begin: options
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions
        {
            Region = RegionEndpoint.EUCentral1,
            IdleTimeout = TimeSpan.FromMinutes(2),
            Retry = { MaxAttempts = 5, Policy = ResendPolicy.AtLeastOnce },
        });
        // end: options
    }

    public static void OwnHttpClient()
    {
        // begin: own-http-client
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            MaxResponseDrainSize = 0,
        };
        using var httpClient = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions(), httpClient);
        // end: own-http-client
    }

    public static async Task DryRunAsync(ILambdaStreamingClient client, CancellationToken cancellationToken)
    {
        // begin: dry-run
        var request = new InvokeWithResponseStreamRequest("my-function") { InvocationType = InvocationType.DryRun };
        await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);   // 204, or the exception that says what is missing
        // end: dry-run
    }

    public static async Task MigratedAsync(byte[] payload, CancellationToken cancellationToken)
    {
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
    }

    public static void ResendsIdempotent()
    {
        // begin: resends-idempotent
        // An idempotent function: let it run twice rather than fail.
        var options = new LambdaStreamingClientOptions { Retry = { Policy = ResendPolicy.AtLeastOnce, MaxAttempts = 5 } };
        // end: resends-idempotent
    }

    public static async Task ResendsPaymentAsync(ILambdaStreamingClient client, byte[] order, Stream receipt, Action<Exception> notPaid, Action<Exception> unknown, CancellationToken cancellationToken)
    {
        // begin: resends-payment
        // A payment: once or not at all, and know which. One send; then ask before doing it again.
        var payment = new InvokeWithResponseStreamRequest("pay") { Payload = order, Retry = new LambdaRetryOptions { Policy = ResendPolicy.Never } };
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
        // end: resends-payment
    }

    public static void ResendsChat()
    {
        // begin: resends-chat
        // An interactive chat: fail soon rather than wait, and keep what was shown.
        var chat = new LambdaStreamingClientOptions
        {
            ResponseHeadTimeout = TimeSpan.FromSeconds(30),
            IdleTimeout = TimeSpan.FromSeconds(30),
            Retry = { MaxAttempts = 2, MaxDelay = TimeSpan.FromSeconds(1) },
        };
        // end: resends-chat
    }

    public static void ResendsPipeline()
    {
        // begin: resends-pipeline
        var own = new LambdaStreamingClientOptions
        {
            ResiliencePipeline = new ResiliencePipelineBuilder()
                .AddSafeResend(new LambdaRetryOptions { MaxAttempts = 4 })
                .AddTimeout(TimeSpan.FromSeconds(60))     // of one attempt, up to the head of its answer
                .Build(),
        };
        // end: resends-pipeline
    }

    private static void Show(ReadOnlySequence<byte> payload) => _ = payload.Length;

    private static void Report(string? text) => _ = text;
}
