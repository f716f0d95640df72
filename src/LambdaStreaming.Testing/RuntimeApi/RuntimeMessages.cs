using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LambdaStreaming.Testing.Http;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>Reads the errors that runtimes report, and writes the replies of the Runtime API.</summary>
internal static class RuntimeMessages
{
    // The limit of a buffered response. Source: Lambda's own code (interop/model.go, MaxPayloadSize).
    private const int MaxErrorBytes = (6 * 1024 * 1024) + 100;

    public static Task AcceptAsync(HttpContext context) =>
        RespondAsync(context, StatusCodes.Status202Accepted, """{"status":"OK"}""");

    /// <summary>Reads the error that a request reports. The part above the limit is discarded.</summary>
    /// <returns><see langword="null"/> if the connection ended during the body.</returns>
    public static async Task<string?> TryReadErrorAsync(HttpContext context)
    {
        try
        {
            var (bytes, _) = await BoundedBody.ReadAsync(context, MaxErrorBytes).ConfigureAwait(false);
            return Encoding.UTF8.GetString(bytes);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return null;
        }
    }

    public static Task RejectTransitionAsync(HttpContext context, string reason) =>
        RejectAsync(context, StatusCodes.Status403Forbidden, "InvalidStateTransition", reason);

    public static Task RejectAsync(HttpContext context, int status, string errorType, string message)
    {
        var encoded = JsonEncodedText.Encode(message, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        return RespondAsync(context, status, $$"""{"errorMessage":"{{encoded}}","errorType":"{{errorType}}"}""");
    }

    private static async Task RespondAsync(HttpContext context, int status, string json)
    {
        var body = Encoding.UTF8.GetBytes(json);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }
}
