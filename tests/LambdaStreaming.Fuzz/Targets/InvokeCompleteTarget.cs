using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as the JSON of <c>InvokeComplete</c>, and as the function's own error details.</summary>
internal static class InvokeCompleteTarget
{
    public static void Run(byte[] input)
    {
        var whole = Read(new(input));
        var cut = Read(new FragmentSizes(input).Cut(input));
        FindingException.Unless((whole is null, whole?.ErrorCode, whole?.ErrorDetails, whole?.LogResult) == (cut is null, cut?.ErrorCode, cut?.ErrorDetails, cut?.LogResult), "The cut changes what is read.");
        if (whole is null) return;

        var details = new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = System.Text.Encoding.UTF8.GetString(input) };
        var failure = new FunctionErrorException("m", details);
        FindingException.Unless(failure.FunctionStackTrace is not null, "The stack trace is null.");
        try
        {
            _ = whole.DecodeLogResult();
        }
        catch (FormatException)
        {
            // As documented: the log is no base64.
        }
    }

    private static InvokeComplete? Read(System.Buffers.ReadOnlySequence<byte> payload)
    {
        try
        {
            return LambdaMessage.ReadInvokeComplete(payload);
        }
        catch (ResponseStreamCorruptException exception) when (exception.Reason == ResponseStreamCorruptionReason.MalformedEvent)
        {
            return null;
        }
    }
}
