using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Http;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>Receives the response or the error of an invocation from its process.</summary>
internal static class RuntimeResponse
{
    public static async Task ReceiveAsync(HttpContext context, RuntimeInvocation call)
    {
        // The client's operation decides whether a response is streamed, so the value "streaming" is not needed:
        // Go's runtime does not send it.
        var mode = context.Request.Headers["Lambda-Runtime-Function-Response-Mode"].ToString();
        if (mode is not ("" or "streaming"))
        {
            call.FailWithReason(
                "Runtime.InvalidResponseModeHeader",
                $"The runtime sent the response mode '{mode}'. The only valid mode is 'streaming'.");
            await RuntimeMessages.RejectAsync(
                context,
                StatusCodes.Status400BadRequest,
                "InvalidFunctionResponseMode",
                "Invalid function response mode").ConfigureAwait(false);
            return;
        }

        try
        {
            if (context.Request.ContentType is { } contentType && FunctionOutput.IsContentType(contentType))
                call.Response.ContentType = contentType;
            await ForwardBodyAsync(context, call).ConfigureAwait(false);

            // After an error during a streaming response, the body ends properly and trailers report the error.
            // The details of the error are base64.
            if (RuntimeHeaders.GetTrailer(context, "Lambda-Runtime-Function-Error-Type") is { } errorType)
            {
                var details = RuntimeHeaders.GetTrailer(context, "Lambda-Runtime-Function-Error-Body") ?? "";
                call.Response.Fail(RuntimeHeaders.GetErrorType(errorType), Base64Text.Decode(details));
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The runtime's connection ended during the body. Source: Lambda's own code (rapid, directinvoke.go).
            call.FailAsTruncated();
            throw;
        }

        call.SetCompleted();
        await RuntimeMessages.AcceptAsync(context).ConfigureAwait(false);
    }

    public static async Task ReceiveErrorAsync(HttpContext context, RuntimeInvocation call)
    {
        if (await RuntimeMessages.TryReadErrorAsync(context).ConfigureAwait(false) is not { } details)
        {
            call.FailAsTruncated();
            context.Abort();
            return;
        }

        call.Fail("Unhandled", details);
        await RuntimeMessages.AcceptAsync(context).ConfigureAwait(false);
    }

    private static async Task ForwardBodyAsync(HttpContext context, RuntimeInvocation call)
    {
        var buffer = new byte[64 * 1024];
        var isOpen = true;
        while (await ReadAsync().ConfigureAwait(false) is > 0 and var count)
        {
            // As on AWS, the function continues to run after its client disconnected: read the body to its end.
            isOpen = isOpen && await TryWriteAsync(call, buffer.AsMemory(0, count)).ConfigureAwait(false);
        }

        // Not RequestAborted: a process can exit after a complete response, of which Kestrel still has bytes.
        ValueTask<int> ReadAsync() => context.Request.Body.ReadAsync(buffer, CancellationToken.None);
    }

    private static async Task<bool> TryWriteAsync(RuntimeInvocation call, ReadOnlyMemory<byte> payload)
    {
        try
        {
            await call.WriteToClientAsync(payload).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is OperationCanceledException or InvalidOperationException)
        {
            return false;
        }
    }
}
