using System.Text.Json;
using System.Text.Unicode;

namespace LambdaStreaming.AspNetCore.Requests;

/// <summary>The parts of a request for which the HTTP client is responsible, and not the app.</summary>
/// <param name="IsSizeFromClient">
/// Whether the HTTP client decides the size of the payload: the app has neither created nor replaced the payload.
/// </param>
/// <param name="IsJsonFromClient">
/// Whether only the HTTP client can be the reason if the service cannot parse the JSON of the request.
/// </param>
internal readonly record struct RequestOrigin(bool IsSizeFromClient, bool IsJsonFromClient)
{
    /// <summary>Compares a request with the payload that was created from the HTTP request.</summary>
    public static RequestOrigin Create(
        InvokeWithResponseStreamRequest request,
        ReadOnlyMemory<byte> payload,
        LambdaPayload kind)
    {
        // The service reports an invalid client context with the same error as an invalid payload. This server writes
        // the JSON of a function URL event.
        var isFromClient = request.Payload.Equals(payload);
        return new RequestOrigin(
            isFromClient,
            isFromClient && kind == LambdaPayload.Body && IsValidClientContext(request.ClientContext));
    }

    // Source: boto/boto3#2153. "Client context must be a valid Base64-encoded JSON object."
    private static bool IsValidClientContext(string? base64)
    {
        if (string.IsNullOrEmpty(base64)) return true;
        try
        {
            // The parser does not validate the bytes of strings. The service has no known limit of the depth.
            var json = Convert.FromBase64String(base64);
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = int.MaxValue });
            return Utf8.IsValid(json) && document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            return false;
        }
    }
}
