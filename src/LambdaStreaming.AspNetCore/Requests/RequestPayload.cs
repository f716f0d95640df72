using System.Buffers;
using System.IO.Pipelines;
using System.Text.Unicode;
using LambdaStreaming.AspNetCore.Responses;
using LambdaStreaming.Payload;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.AspNetCore.Requests;

/// <summary>Creates the payload from an HTTP request.</summary>
internal static class RequestPayload
{
    /// <returns>
    /// The payload. If the body is missing, also the exception to throw unless the app replaces the payload.
    /// </returns>
    public static async Task<(ReadOnlyMemory<byte> Payload, Exception? MissingBody)> ReadAsync(
        HttpContext context,
        LambdaStreamEndpointOptions options,
        CancellationToken cancellationToken)
    {
        var request = context.Request;
        var body = await ReadBodyAsync(request, options.MaxRequestBodyBytes, cancellationToken).ConfigureAwait(false);
        var isMissing = body.Length == 0 && HadBody(request);
        if (options.Payload == LambdaPayload.FunctionUrlEvent)
        {
            var payload = RequestEvent.Create(context, body, options.AllowRequestHeader);
            return (payload, isMissing ? BodyIsMissing() : null);
        }

        // Lambda accepts only JSON. Requiring the content type also rejects forms of other sites, which browsers send
        // without a CORS preflight.
        var isJson = request.HasJsonContentType();
        if (body.Length > 0 && !isJson) throw NotJson();
        if (isMissing) return (body, isJson ? BodyIsMissing() : NotJson());
        // Lambda rejects a payload that is not UTF-8. Source: awsdocs/aws-lambda-developer-guide#382.
        if (!Utf8.IsValid(body)) throw NotUtf8(ValidUtf8.CountBytes(body));
        return (body, null);
    }

    private static async Task<byte[]> ReadBodyAsync(
        HttpRequest request,
        int maxBytes,
        CancellationToken cancellationToken)
    {
        if (request.ContentLength > maxBytes) throw TooLarge(maxBytes);
        if (!request.Body.CanSeek)
        {
            return await ReadToEndAsync(request.BodyReader, maxBytes, cancellationToken).ConfigureAwait(false);
        }

        // Middleware buffers the body, and can have read it with the stream or with BodyReader. If it has read the end
        // with BodyReader, that reader does not return the body a second time.
        request.Body.Position = 0;
        var reader = PipeReader.Create(request.Body, new StreamPipeReaderOptions(leaveOpen: true));
        try
        {
            return await ReadToEndAsync(reader, maxBytes, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    private static async Task<byte[]> ReadToEndAsync(
        PipeReader reader,
        int maxBytes,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await ReadPartAsync(reader, cancellationToken).ConfigureAwait(false);
            if (read.Buffer.Length > maxBytes)
            {
                // Complete the read. Otherwise the server logs an error and closes the connection.
                reader.AdvanceTo(read.Buffer.End);
                throw TooLarge(maxBytes);
            }

            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return body;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    // A body that is not empty can be shorter than Content-Length, because middleware can have decompressed it. Without
    // Content-Length, only a form shows that there was a body.
    private static bool HadBody(HttpRequest request)
    {
        if (request.ContentLength is { } length) return length > 0;
        var form = request.HttpContext.Features.Get<IFormFeature>()?.Form;
        return form?.Count > 0 || form?.Files.Count > 0;
    }

    private static async ValueTask<ReadResult> ReadPartAsync(PipeReader body, CancellationToken cancellationToken)
    {
        try
        {
            return await body.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException exception)
        {
            // UseRequestDecompression cannot decompress the body.
            throw new BadHttpRequestException(exception.Message, exception);
        }
    }

    private static InvalidOperationException BodyIsMissing() => new(
        "Middleware has read or removed the body, or the decompressed body is empty. The function did not run. "
        + $"Call {nameof(HttpRequest)}.{nameof(HttpRequestRewindExtensions.EnableBuffering)} before the body is read.");

    private static RequestRejectedException NotJson() => new(
        StatusCodes.Status415UnsupportedMediaType,
        "The body must be JSON, with the content type application/json.");

    private static RequestRejectedException NotUtf8(int offset) => new(
        StatusCodes.Status400BadRequest,
        $"The body is not valid UTF-8. The invalid bytes begin at byte offset {offset} (zero-based).");

    private static RequestRejectedException TooLarge(int maxBytes) =>
        new(StatusCodes.Status413PayloadTooLarge, $"The body is larger than {maxBytes} bytes.");
}
