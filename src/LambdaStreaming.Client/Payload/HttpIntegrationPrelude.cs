using System.Text.Json;

namespace LambdaStreaming.Payload;

/// <summary>Reads the HTTP prelude of a payload, if it has one.</summary>
/// <remarks>
/// <code>
/// JSON object {statusCode, headers, multiValueHeaders, cookies} | 8 NUL bytes | body
/// </code>
/// Source: AWS Lambda's Node.js runtime interface client, HttpResponseStream.js; API Gateway, "Lambda proxy integration
/// response streaming". The object and the NUL bytes are separate writes, and each can be split anywhere. A content
/// type that announces a prelude does not prove that the response has a prelude. Node.js functions that only call
/// <c>end(body)</c> do not write a prelude, and the .NET runtime always announces one.
/// </remarks>
internal static class HttpIntegrationPrelude
{
    public static async Task<HttpIntegrationResponse> ReadAsync(
        InvokeWithResponseStreamResponse response,
        PayloadSegmentReader segments,
        PayloadReadOptions options)
    {
        if (!CanHavePrelude(response.ResponseStreamContentType, options.HttpPrelude))
            return new HttpIntegrationResponse(response, segments);

        byte[] received = [];
        var count = 0;
        var isAlways = options.HttpPrelude == HttpPreludeDetection.Always;
        var search = new HttpPreludeSearch(isAlways, options.MaxPreludeBytes);
        var result = HttpPreludeResult.NeedsMoreBytes;
        try
        {
            while (result == HttpPreludeResult.NeedsMoreBytes && await segments.MoveNextAsync().ConfigureAwait(false))
            {
                var segment = segments.Current;
                PayloadBuffer.Reserve(ref received, count, segment.Length);
                segment.CopyTo(received.AsMemory(count));
                count += segment.Length;
                result = search.Examine(received.AsSpan(0, count));
                if (result != HttpPreludeResult.Found) continue;

                var metadata = Parse(segments, received.AsMemory(search.JsonStart, search.JsonBytes));
                segments.Unread(segment[^(count - search.BodyStart)..]);
                return new HttpIntegrationResponse(response, segments, metadata);
            }

            if (result == HttpPreludeResult.TooLong && isAlways) throw CreateLimitException(segments, options);

            // Without a prelude, the bytes received so far belong to the body.
            segments.Unread(received.AsSpan(0, count).ToArray());
            return new HttpIntegrationResponse(response, segments);
        }
        catch
        {
            segments.Dispose();
            throw;
        }
        finally
        {
            PayloadBuffer.Release(ref received);
        }
    }

    // Unverified: which content type live Lambda sends here. The content type does not describe the payload if it is
    // absent or is that of the event stream. The payload's bytes then decide whether there is a prelude. They decide
    // even if the content type announces one.
    private static bool CanHavePrelude(string? contentType, HttpPreludeDetection detection) =>
        detection == HttpPreludeDetection.Always
        || (detection == HttpPreludeDetection.Auto && !FunctionContentType.IsReported(contentType));

    private static HttpPreludeMetadata Parse(PayloadSegmentReader segments, ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return new HttpPreludeMetadata(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
        {
            throw segments.CreateFormatException(
                $"The {json.Length} bytes before the 8 NUL bytes are not an HTTP prelude. Expected a JSON object with "
                + "statusCode, headers, multiValueHeaders and cookies.",
                byteOffset: 0,
                valueIndex: null,
                exception);
        }
    }

    private static PayloadLimitExceededException CreateLimitException(
        PayloadSegmentReader segments,
        PayloadReadOptions options) =>
        segments.CreateLimitException(
            "The HTTP prelude",
            nameof(PayloadReadOptions.MaxPreludeBytes),
            options.MaxPreludeBytes,
            byteOffset: 0,
            $", or, if the response has no prelude, set {nameof(PayloadReadOptions.HttpPrelude)} "
            + $"to {nameof(HttpPreludeDetection.Never)}");
}
