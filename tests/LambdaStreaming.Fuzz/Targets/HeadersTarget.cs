using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.Differential;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as the header block of a sound message, and what that message then is to Lambda.</summary>
internal static class HeadersTarget
{
    public static void Run(byte[] input)
    {
        var wire = Messages.Raw(input, "{}"u8);
        DecoderTarget.Run(wire);
        var expected = NaiveDecoder.Decode(wire, int.MaxValue);
        if (expected.Messages.Count == 0) return;

        var type = expected.Messages[0].TextOf(":message-type");
        var eventType = expected.Messages[0].TextOf(":event-type");
        LambdaMessageKind? right = (type, eventType) switch
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
        catch (ResponseStreamCorruptException exception) when (exception.Reason == ResponseStreamCorruptionReason.MalformedEvent)
        {
            // As documented.
        }

        FindingException.Unless(kind == right, $"The message is taken for {kind?.ToString() ?? "malformed"}, and is {right?.ToString() ?? "malformed"}.");
    }
}
