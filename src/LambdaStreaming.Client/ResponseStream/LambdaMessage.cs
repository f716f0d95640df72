using System.Buffers;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Errors;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.ResponseStream;

/// <summary>What a message is to this operation.</summary>
internal enum LambdaMessageKind
{
    /// <summary>An event of a type that we do not know: skipped, as both official SDKs do.</summary>
    Unknown,
    PayloadChunk,
    InvokeComplete,
    Exception,
    Error,
}

/// <summary>Reads messages as Lambda means them.</summary>
/// <remarks>Source: conformance/responses/README.md; AWS Lambda API reference, InvokeWithResponseStreamResponseEvent.</remarks>
internal static class LambdaMessage
{
    // For the log, which shows fewer characters.
    private const int MaxEventTypeBytes = 1024;

    public static LambdaMessageKind GetKind(ReadOnlySpan<byte> headers)
    {
        var messageType = Find(headers, ":message-type"u8);
        if (messageType.SequenceEqual("event"u8))
        {
            var eventType = Find(headers, ":event-type"u8);
            if (eventType.SequenceEqual("PayloadChunk"u8)) return LambdaMessageKind.PayloadChunk;
            if (eventType.SequenceEqual("InvokeComplete"u8)) return LambdaMessageKind.InvokeComplete;
            if (eventType.IsEmpty) Malformed("An event has no :event-type.");
            return LambdaMessageKind.Unknown;
        }

        if (messageType.SequenceEqual("exception"u8)) return LambdaMessageKind.Exception;
        if (messageType.SequenceEqual("error"u8)) return LambdaMessageKind.Error;
        Malformed(messageType.IsEmpty ? "A message has no :message-type." : "A message's :message-type is none of event, exception, error.");
        return default;
    }

    public static string GetEventType(ReadOnlySpan<byte> headers)
    {
        var type = Find(headers, ":event-type"u8);
        return Encoding.UTF8.GetString(type[..Math.Min(type.Length, MaxEventTypeBytes)]);
    }

    public static InvokeComplete ReadInvokeComplete(ReadOnlySequence<byte> payload)
    {
        if (payload.IsEmpty) return new InvokeComplete();
        try
        {
            var json = new LenientJson(payload.IsSingleSegment ? payload.FirstSpan : payload.ToArray());
            if (json.Kind is not (JsonTokenType.StartObject or JsonTokenType.Null)) Malformed($"InvokeComplete is JSON, but no object: it begins with {json.Kind}.");

            // A member that comes twice: the last one counts, as with the official SDKs. Text is what is documented; any other value is kept as the JSON that it is.
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
            Malformed("InvokeComplete is not JSON.");
            return null;
        }
    }

    public static ResponseStreamErrorException ReadError(ReadOnlySpan<byte> headers, ReadOnlySequence<byte> payload, LambdaErrorDetails progress, Redactor redactor)
    {
        var isException = !Find(headers, ":exception-type"u8).IsEmpty || Find(headers, ":error-code"u8).IsEmpty;
        var name = ErrorResponse.ParseName(Encoding.UTF8.GetString(Find(headers, isException ? ":exception-type"u8 : ":error-code"u8)));
        var answer = ErrorResponse.FromBody(payload.Slice(0, Math.Min(payload.Length, ErrorResponse.MaxBodyBytes)).ToArray());
        var headerMessage = Encoding.UTF8.GetString(Find(headers, ":error-message"u8));
        var details = progress with
        {
            ErrorCode = name ?? answer.Code,
            ShownErrorCode = redactor.Name(name ?? answer.Code),
            ServiceMessage = headerMessage.Length > 0 ? headerMessage : answer.Message ?? "",
            Fields = answer.Fields,
        };
        return new ResponseStreamErrorException(ExceptionMessages.InStream(details, redactor), details, CreateInner(details, redactor));
    }

    // The catalogue's type says what kind of error it is. Its usual consequences do not hold here: the answer had begun, so nothing is known to precede the function.
    private static LambdaServiceException? CreateInner(LambdaErrorDetails details, Redactor redactor) =>
        ServiceErrorTable.Find(details.ErrorCode) is { } entry ? entry.Create(ExceptionMessages.DescribeError(details, redactor), details with { StatusCode = default, FunctionMayHaveRun = true }) : null;

    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> block, ReadOnlySpan<byte> name)
    {
        var headers = new EventStreamHeaders(block);
        while (headers.TryRead(out var header))
        {
            if (header.Type == EventStreamHeaderType.String && header.Name.SequenceEqual(name)) return header.Value;
        }

        return default;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private static void Malformed(string message) => EventStreamDecoder.Throw(ResponseStreamCorruptionReason.MalformedEvent, message);
}
