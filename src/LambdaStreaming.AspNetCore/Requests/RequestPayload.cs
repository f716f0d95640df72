using System.Buffers;
using System.IO.Pipelines;
using System.Text.Unicode;
using LambdaStreaming.AspNetCore.Responses;
using LambdaStreaming.Payload;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore.Requests;

/// <summary>Creates the payload from an HTTP request.</summary>
internal static class RequestPayload
{
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(
        HttpContext context,
        LambdaStreamEndpointOptions options,
        CancellationToken cancellationToken)
    {
        var body = await ReadBodyAsync(context.Request, options.MaxRequestBodyBytes, cancellationToken)
            .ConfigureAwait(false);
        if (options.Payload == LambdaPayload.FunctionUrlEvent)
        {
            return RequestEvent.Create(context, body, options.AllowRequestHeader);
        }

        // Lambda accepts only JSON. Requiring the content type also rejects forms of other sites, which browsers send
        // without a CORS preflight.
        if (body.Length > 0 && !context.Request.HasJsonContentType()) throw NotJson();
        // Lambda rejects a payload that is not UTF-8. Source: awsdocs/aws-lambda-developer-guide#382.
        if (!Utf8.IsValid(body.Span)) throw NotUtf8(ValidUtf8.CountBytes(body.Span));
        return body;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(
        HttpRequest request,
        int maxBytes,
        CancellationToken cancellationToken)
    {
        if (request.ContentLength > maxBytes) throw TooLarge(maxBytes);
        while (true)
        {
            var read = await ReadPartAsync(request.BodyReader, cancellationToken).ConfigureAwait(false);
            if (read.Buffer.Length > maxBytes)
            {
                // Complete the read. Otherwise the server logs an error and closes the connection.
                request.BodyReader.AdvanceTo(read.Buffer.End);
                throw TooLarge(maxBytes);
            }

            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return body;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
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

    private static RequestRejectedException NotJson() => new(
        StatusCodes.Status415UnsupportedMediaType,
        "The body must be JSON, with the content type application/json.");

    private static RequestRejectedException NotUtf8(int offset) => new(
        StatusCodes.Status400BadRequest,
        $"The body is not valid UTF-8. The invalid bytes begin at byte offset {offset} (zero-based).");

    private static RequestRejectedException TooLarge(int maxBytes) =>
        new(StatusCodes.Status413PayloadTooLarge, $"The body is larger than {maxBytes} bytes.");
}
