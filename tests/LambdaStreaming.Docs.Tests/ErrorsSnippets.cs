using System.Text.Json;
using Moq;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code in docs/errors.md.</summary>
public sealed class ErrorsSnippets
{
    private readonly RecordingConsole _console = new();

    private RecordingConsole Console => _console;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<Exception, string> Failures => new()
    {
        {
            new TooManyRequestsException("slow down", new LambdaErrorDetails
            {
                Fields = new Dictionary<string, string> { ["Reason"] = "CallerRateLimitExceeded" },
            }),
            "Throttled by CallerRateLimitExceeded; the service asks to wait .\n"
        },
        { new KMSDisabledException("no key"), "KMSDisabledException: no key\n" },
        {
            new FunctionErrorException(
                "failed",
                new InvokeComplete
                {
                    ErrorCode = "Unhandled",
                    ErrorDetails = """{"errorType":"RangeError","errorMessage":"too far"}""",
                },
                new LambdaErrorDetails { ChunksReceived = 2 }),
            "RangeError: too far after 2 chunks\n"
        },
        {
            new ResponseStreamTruncatedException("truncated", new LambdaErrorDetails { BytesReceived = 7 }),
            "Failed after 7 bytes: truncated\n"
        },
        {
            new LambdaTransportException("no connection", new LambdaErrorDetails { FunctionMayHaveRun = false }),
            "The function did not run.\n"
        },
    };

    // JsonDocument accepts at most 64 levels.
    public static TheoryData<string, string> ErrorMembers => new()
    {
        { "\"quota\":5", "The quota is 5.\n" },
        { "\"other\":5", "The quota is unknown.\n" },
        { "\"quota\":\"10 \\ud83d\"", "The quota is unknown.\n" },
        { $"\"quota\":{new string('[', 100)}{new string(']', 100)}", "The quota is unknown.\n" },
    };

    [Theory, MemberData(nameof(Failures))]
    public async Task Catch(Exception failure, string expected)
    {
        var (client, request, output, cancellationToken) =
            (Failing(failure), new InvokeWithResponseStreamRequest("f"), Stream.Null, Ct);

        // begin: catch
        try
        {
            using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
            await foreach (var chunk in response.ReadChunksAsync(cancellationToken))
            {
                await output.WriteAsync(chunk.ToArray(), cancellationToken);
            }
        }
        catch (TooManyRequestsException e)                      // one specific error
        {
            Console.WriteLine($"Throttled by {e.Reason}; the service asks to wait {e.RetryAfter}.");   // can be null
        }
        catch (LambdaServiceException e) when (e.IsThrottling)  // other kinds of throttling
        {
            Console.WriteLine($"Throttled: {e.ErrorCode}");
        }
        catch (LambdaServiceException e)                        // the service returned an error
        {
            Console.WriteLine($"{e.ErrorCode}: {e.Message}");   // also set if this library has no type for the error
        }
        catch (FunctionErrorException e)                        // the function failed; earlier chunks were written
        {
            Console.WriteLine($"{e.FunctionErrorType}: {e.FunctionErrorMessage} after {e.ChunksReceived} chunks");
        }
        catch (ResponseStreamException e)                       // the response is incomplete or corrupt
        {
            Console.WriteLine($"Failed after {e.BytesReceived} bytes: {e.Message}");
        }
        catch (LambdaStreamingException e)                      // all others, such as no connection
        {
            Console.WriteLine(e.FunctionMayHaveRun ? "The function might have run." : "The function did not run.");
        }
        // end: catch

        Assert.Equal(expected, _console.Text);
    }

    [Theory, MemberData(nameof(ErrorMembers))]
    public async Task Details(string member, string expected)
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => server.AddFunction("f", (_, response, _) =>
            {
                response.Fail("Unhandled", $$"""{"errorType":"QuotaExceeded","errorMessage":"all 5",{{member}}}""");
                return Task.CompletedTask;
            }),
            Ct);
        using var client = lambda.CreateClient();
        var (request, output) = (new InvokeWithResponseStreamRequest("f"), Stream.Null);

        // begin: error-details
        try
        {
            using var response = await client.InvokeWithResponseStreamAsync(request);
            await response.CopyToAsync(output);
        }
        catch (FunctionErrorException e) when (e.FunctionErrorType == "QuotaExceeded")
        {
            try
            {
                using var details = JsonDocument.Parse(e.ErrorDetails!);
                var hasQuota = details.RootElement.TryGetProperty("quota", out var quota);
                Console.WriteLine(hasQuota ? $"The quota is {quota}." : "The quota is unknown.");
            }
            catch (Exception invalid) when (invalid is JsonException or InvalidOperationException)
            {
                Console.WriteLine("The quota is unknown.");
            }
        }
        // end: error-details

        Assert.Equal(expected, _console.Text);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Later(bool isSafeToRetry)
    {
        Exception failure = isSafeToRetry ? new ResourceNotReadyException("not yet") : new ServiceException("unknown");
        var (client, request) = (Failing(failure), new InvokeWithResponseStreamRequest("f"));
        var later = new List<InvokeWithResponseStreamRequest>();
        using var output = new MemoryStream();

        if (isSafeToRetry) await RunAsync();
        else await Assert.ThrowsAsync<ServiceException>(RunAsync);

        Assert.Equal(isSafeToRetry ? 1 : 0, later.Count);

        Task SendLaterAsync(InvokeWithResponseStreamRequest request)
        {
            later.Add(request);
            return Task.CompletedTask;
        }

        async Task RunAsync()
        {
            // begin: later
            try
            {
                using var response = await client.InvokeWithResponseStreamAsync(request);
                await response.CopyToAsync(output);
            }
            catch (LambdaStreamingException e) when (e.IsSafeToRetry)
            {
                await SendLaterAsync(request);                      // cannot run the function twice
            }
            // end: later
        }
    }

    private static ILambdaStreamingClient Failing(Exception failure)
    {
        var client = new Mock<ILambdaStreamingClient>();
        client
            .Setup(mock => mock.InvokeWithResponseStreamAsync(
                It.IsAny<InvokeWithResponseStreamRequest>(),
                It.IsAny<CancellationToken>()))
            .ThrowsAsync(failure);
        return client.Object;
    }
}
