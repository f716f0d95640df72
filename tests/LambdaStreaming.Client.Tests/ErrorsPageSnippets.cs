namespace LambdaStreaming.Tests;

/// <summary>The code of docs/errors.md, compiled. <see cref="ErrorsPageTests"/> holds the two equal.</summary>
internal static class ErrorsPageSnippets
{
    public static async Task CatchAsync(ILambdaStreamingClient client, InvokeWithResponseStreamRequest request, Stream output, CancellationToken cancellationToken)
    {
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
    }

    public static async Task<string> SendLaterAsync(ILambdaStreamingClient client, InvokeWithResponseStreamRequest request, Func<InvokeWithResponseStreamRequest, Task> sendLaterAsync)
    {
        // begin: later
        try
        {
            using var response = await client.InvokeWithResponseStreamAsync(request);
            return response.RequestId;
        }
        catch (LambdaStreamingException e) when (e.IsSafeToResend)
        {
            await sendLaterAsync(request);                      // cannot run the function twice
            return "";
        }
        // end: later
    }
}
