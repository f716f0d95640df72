using System.Text.Json;

namespace LambdaStreaming.Payload;

/// <summary>Reads the prelude of Lambda's HTTP integration.</summary>
/// <remarks>
/// <code>
/// JSON object {statusCode, headers, multiValueHeaders, cookies} | 8 NUL bytes | body
/// </code>
/// Source: AWS Lambda's Node.js runtime interface client, HttpResponseStream.js; API Gateway, "Lambda proxy integration
/// response streaming". The two parts are separate writes and are split anywhere. A content type that announces a
/// prelude does not prove that there is one: Node.js functions that only call <c>end(body)</c> write none, and the .NET
/// runtime always announces one.
/// </remarks>
internal static class HttpIntegrationPrelude
{
    private const string IntegrationContentType = "application/vnd.awslambda.http-integration-response";
    private const string EventStreamContentType = "application/vnd.amazon.eventstream";

    public static async Task<HttpIntegrationResponse> ReadAsync(
        InvokeWithResponseStreamResponse response,
        PayloadSegmentReader cursor,
        PayloadReadOptions options)
    {
        if (!CanHavePrelude(response.ResponseStreamContentType, options.HttpPrelude))
            return new HttpIntegrationResponse(response, cursor);

        byte[] received = [];
        var count = 0;
        var isAlways = options.HttpPrelude == HttpPreludeDetection.Always;
        var search = new HttpPreludeSearch(isAlways, options.MaxPreludeBytes);
        var result = HttpPreludeResult.NeedsMoreBytes;
        try
        {
            while (result == HttpPreludeResult.NeedsMoreBytes && await cursor.MoveNextAsync().ConfigureAwait(false))
            {
                var bytes = cursor.Current;
                PayloadBuffer.Reserve(ref received, count, bytes.Length);
                bytes.CopyTo(received.AsMemory(count));
                count += bytes.Length;
                result = search.Look(received.AsSpan(0, count));
                if (result != HttpPreludeResult.Found) continue;

                var head = Parse(cursor, received.AsMemory(search.JsonStart, search.JsonBytes));
                cursor.Unread(bytes[^(count - search.BodyStart)..]);
                return new HttpIntegrationResponse(response, cursor, head);
            }

            if (result == HttpPreludeResult.TooLong && isAlways) throw CreateLimitException(cursor, options);

            // Without a prelude, everything is the body.
            cursor.Unread(received.AsSpan(0, count).ToArray());
            return new HttpIntegrationResponse(response, cursor);
        }
        catch
        {
            cursor.Dispose();
            throw;
        }
        finally
        {
            PayloadBuffer.Release(ref received);
        }
    }

    // What the live service sends as the content type is not verified. With the type of the event stream itself, only
    // the bytes can decide.
    private static bool CanHavePrelude(string? contentType, HttpPreludeDetection detection)
    {
        if (detection != HttpPreludeDetection.Auto) return detection == HttpPreludeDetection.Always;
        var mediaType = (contentType ?? "").AsSpan();
        if (mediaType.IndexOf(';') is >= 0 and var parameters) mediaType = mediaType[..parameters];
        mediaType = mediaType.Trim();
        return mediaType.IsEmpty
            || mediaType.Equals(IntegrationContentType, StringComparison.OrdinalIgnoreCase)
            || mediaType.Equals(EventStreamContentType, StringComparison.OrdinalIgnoreCase);
    }

    private static HttpPreludeMetadata Parse(PayloadSegmentReader cursor, ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return new HttpPreludeMetadata(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
        {
            throw cursor.CreateFormatException(
                $"The {json.Length} bytes before the 8 NUL bytes are no prelude of the HTTP integration: an object "
                + "with statusCode, headers, multiValueHeaders and cookies was expected.",
                0,
                null,
                exception);
        }
    }

    private static PayloadLimitExceededException CreateLimitException(PayloadSegmentReader cursor, PayloadReadOptions options) =>
        cursor.CreateLimitException(
            "The prelude of the HTTP integration",
            nameof(PayloadReadOptions.MaxPreludeBytes),
            options.MaxPreludeBytes,
            0,
            $", or, if the answer has none, set {nameof(PayloadReadOptions.HttpPrelude)} "
            + $"to {nameof(HttpPreludeDetection.Never)}");
}
