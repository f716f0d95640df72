using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Errors;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.ResponseStream;

/// <summary>The meaning of an event-stream message for Lambda.</summary>
internal enum LambdaMessageKind
{
    /// <summary>An event of an unknown type. It is skipped, as in botocore and the JavaScript SDK.</summary>
    Unknown,
    PayloadChunk,
    InvokeComplete,
    Exception,
    Error,
}

/// <summary>Maps event-stream messages to Lambda events.</summary>
/// <remarks>
/// Source: conformance/responses/README.md; AWS Lambda API reference, InvokeWithResponseStreamResponseEvent.
/// </remarks>
internal static class LambdaMessage
{
    // Limits the work for a long name. The log truncates names to fewer characters than this.
    private const int MaxEventTypeBytes = 1024;

    public static LambdaMessageKind GetKind(ReadOnlySpan<byte> headers)
    {
        var messageType = FindHeader(headers, ":message-type"u8);
        if (messageType.SequenceEqual("event"u8))
        {
            var eventType = FindHeader(headers, ":event-type"u8);
            if (eventType.SequenceEqual("PayloadChunk"u8)) return LambdaMessageKind.PayloadChunk;
            if (eventType.SequenceEqual("InvokeComplete"u8)) return LambdaMessageKind.InvokeComplete;
            if (eventType.IsEmpty) ThrowMalformed("An event message has no :event-type header.");
            return LambdaMessageKind.Unknown;
        }

        if (messageType.SequenceEqual("exception"u8)) return LambdaMessageKind.Exception;
        if (messageType.SequenceEqual("error"u8)) return LambdaMessageKind.Error;
        ThrowMalformed(messageType.IsEmpty
            ? "A message has no :message-type header."
            : "A message has a :message-type header other than event, exception or error.");
        return default;
    }

    public static string GetEventType(ReadOnlySpan<byte> headers)
    {
        var type = FindHeader(headers, ":event-type"u8);
        return Encoding.UTF8.GetString(type[..Math.Min(type.Length, MaxEventTypeBytes)]);
    }

    public static InvokeComplete ReadInvokeComplete(ReadOnlySequence<byte> payload)
    {
        if (payload.IsEmpty) return new InvokeComplete();
        try
        {
            var json = new LenientJson(payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray());
            if (json.Kind is not (JsonTokenType.StartObject or JsonTokenType.Null))
                ThrowMalformed($"InvokeComplete is not a JSON object: it begins with {json.Kind}.");

            // Of duplicate members the last one counts, as in botocore and the JavaScript SDK. The documented values
            // are strings; any other value is kept as its JSON text.
            ReadOnlySpan<byte> errorCode = "null"u8, errorDetails = "null"u8, logResult = "null"u8;
            while (json.TryReadMember(out var name, out var value))
            {
                if (name.SequenceEqual("ErrorCode"u8)) errorCode = value;
                else if (name.SequenceEqual("ErrorDetails"u8)) errorDetails = value;
                else if (name.SequenceEqual("LogResult"u8)) logResult = value;
            }

            return new InvokeComplete
            {
                ErrorCode = LenientJson.GetText(errorCode, ErrorResponse.MaxCodeLength),
                ErrorDetails = LenientJson.GetText(errorDetails, FunctionErrorDetails.MaxLength),
                LogResult = LenientJson.GetText(logResult),
            };
        }
        catch (JsonException)
        {
            ThrowMalformed("InvokeComplete is not JSON.");
            return null;
        }
    }

    public static ResponseStreamErrorException ReadError(
        ReadOnlySpan<byte> headers,
        ReadOnlySequence<byte> payload,
        LambdaErrorDetails progress,
        Redactor redactor)
    {
        var exceptionType = FindHeader(headers, ":exception-type"u8);
        var errorCode = FindHeader(headers, ":error-code"u8);
        var isException = !exceptionType.IsEmpty || errorCode.IsEmpty;
        var name = ErrorResponse.ParseName(Encoding.UTF8.GetString(isException ? exceptionType : errorCode));
        var body = payload.Slice(0, Math.Min(payload.Length, ErrorResponse.MaxBodyBytes));
        var error = ErrorResponse.FromBody(body.ToArray());
        var headerMessage = Encoding.UTF8.GetString(FindHeader(headers, ":error-message"u8));
        var details = progress with
        {
            ErrorCode = name ?? error.Code,
            RedactedErrorCode = redactor.Name(name ?? error.Code),
            ServiceMessage = headerMessage.Length > 0 ? headerMessage : error.Message ?? "",
            Fields = error.Fields,
        };
        var message = ExceptionMessages.DescribeStreamError(details, redactor);
        return new ResponseStreamErrorException(message, details, CreateServiceException(details, redactor));
    }

    // Uses the entry of the error table, except its FunctionMayHaveRun: the response had started, so the function might
    // have run.
    private static LambdaServiceException? CreateServiceException(LambdaErrorDetails details, Redactor redactor)
    {
        if (ServiceErrorTable.Find(details.ErrorCode) is not { } entry) return null;
        var message = ExceptionMessages.DescribeError(details, redactor);
        return entry.Create(message, details with { StatusCode = default, FunctionMayHaveRun = true });
    }

    private static ReadOnlySpan<byte> FindHeader(ReadOnlySpan<byte> block, ReadOnlySpan<byte> name)
    {
        var headers = new EventStreamHeaders(block);
        while (headers.TryRead(out var header))
        {
            if (header.Type == EventStreamHeaderType.String && header.Name.SequenceEqual(name)) return header.Value;
        }

        return default;
    }

    [DoesNotReturn]
    private static void ThrowMalformed(string message) =>
        EventStreamDecoder.Throw(ResponseStreamCorruptionReason.MalformedEvent, message);
}
