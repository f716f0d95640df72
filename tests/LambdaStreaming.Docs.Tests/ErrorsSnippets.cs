using Moq;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code of docs/errors.md.</summary>
public sealed class ErrorsSnippets
{
    private readonly ListeningConsole _console = new();

    private ListeningConsole Console => _console;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<Exception, string> Failures => new()
    {
        { new TooManyRequestsException("slow down", new LambdaErrorDetails { Fields = new Dictionary<string, string> { ["Reason"] = "CallerRateLimitExceeded" } }), "Throttled by CallerRateLimitExceeded; the service asks to wait .\n" },
        { new KMSDisabledException("no key"), "KMSDisabledException: no key\n" },
        { new FunctionErrorException("failed", new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = """{"errorType":"RangeError","errorMessage":"too far"}""" }, new LambdaErrorDetails { ChunksReceived = 2 }), "RangeError: too far after 2 chunks\n" },
        { new ResponseStreamTruncatedException("cut", new LambdaErrorDetails { BytesReceived = 7 }), "Cut after 7 bytes: cut\n" },
        { new LambdaTransportException("no connection", new LambdaErrorDetails { FunctionMayHaveRun = false }), "The function did not run.\n" },
    };

    [Theory, MemberData(nameof(Failures))]
    public async Task Catch(Exception failure, string expected)
    {
        var (client, request, output, cancellationToken) = (Failing(failure), new InvokeWithResponseStreamRequest("f"), Stream.Null, Ct);

        // begin: catch
        try
        {
            using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
            await foreach (var chunk in response.ReadChunksAsync(cancellationToken))
            {
                await output.WriteAsync(chunk.ToArray(), cancellationToken);
            }
        }
        catch (TooManyRequestsException e)                      // one error, by its type
        {
            Console.WriteLine($"Throttled by {e.Reason}; the service asks to wait {e.RetryAfter}.");
        }
        catch (LambdaServiceException e)                        // the service said no, before any of the answer came
        {
            Console.WriteLine($"{e.ErrorCode}: {e.Message}");   // known or not, the name is there
        }
        catch (FunctionErrorException e)                        // the function failed; what it wrote before was delivered
        {
            Console.WriteLine($"{e.FunctionErrorType}: {e.FunctionErrorMessage} after {e.ChunksReceived} chunks");
        }
        catch (ResponseStreamException e)                       // the answer began, and cannot be trusted to be whole
        {
            Console.WriteLine($"Cut after {e.BytesReceived} bytes: {e.Message}");
        }
        catch (LambdaStreamingException e)                      // all others, e.g. no connection or no credentials
        {
            Console.WriteLine(e.FunctionMayHaveRun ? "The function may have run." : "The function did not run.");
        }
        // end: catch

        Assert.Equal(expected, _console.Heard);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Later(bool failsBeforeTheRun)
    {
        var (client, request) = (Failing(failsBeforeTheRun ? new ResourceNotReadyException("not yet") : new ServiceException("perhaps")), new InvokeWithResponseStreamRequest("f"));
        var later = new List<InvokeWithResponseStreamRequest>();

        if (failsBeforeTheRun) Assert.Equal("", await SendAsync());
        else await Assert.ThrowsAsync<ServiceException>(SendAsync);

        Assert.Equal(failsBeforeTheRun ? 1 : 0, later.Count);

        async Task<string> SendAsync()
        {
            Func<InvokeWithResponseStreamRequest, Task> sendLaterAsync = request =>
            {
                later.Add(request);
                return Task.CompletedTask;
            };

            // begin: later
            try
            {
                using var response = await client.InvokeWithResponseStreamAsync(request);
                return response.RequestId;
            }
            catch (LambdaStreamingException e) when (e.IsSafeToRetry)
            {
                await sendLaterAsync(request);                      // cannot run the function twice
                return "";
            }
            // end: later
        }
    }

    private static ILambdaStreamingClient Failing(Exception failure)
    {
        var client = new Mock<ILambdaStreamingClient>();
        client.Setup(mock => mock.InvokeWithResponseStreamAsync(It.IsAny<InvokeWithResponseStreamRequest>(), It.IsAny<CancellationToken>())).ThrowsAsync(failure);
        return client.Object;
    }
}
