using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.Differential;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as the headers of a valid message, and the kind of Lambda message that they describe.</summary>
internal static class HeadersTarget
{
    public static void Run(byte[] input)
    {
        var wire = Messages.Raw(input, "{}"u8);
        DecoderTarget.Run(wire);
        var expected = NaiveDecoder.Decode(wire, int.MaxValue);
        if (expected.Messages.Count == 0) return;

        var type = expected.Messages[0].GetText(":message-type");
        var eventType = expected.Messages[0].GetText(":event-type");
        LambdaMessageKind? expectedKind = (type, eventType) switch
        {
            ("event", "PayloadChunk") => LambdaMessageKind.PayloadChunk,
            ("event", "InvokeComplete") => LambdaMessageKind.InvokeComplete,
            ("event", not "") => LambdaMessageKind.Unknown,
            ("exception", _) => LambdaMessageKind.Exception,
            ("error", _) => LambdaMessageKind.Error,
            _ => null,
        };
        LambdaMessageKind? kind = null;
        try
        {
            kind = LambdaMessage.GetKind(input);
        }
        catch (ResponseStreamCorruptException exception)
            when (exception.Reason == ResponseStreamCorruptionReason.MalformedEvent)
        {
            // Documented behavior.
        }

        FindingException.Unless(
            kind == expectedKind,
            $"Kind of message: {kind?.ToString() ?? "malformed"}; expected {expectedKind?.ToString() ?? "malformed"}.");
    }
}
