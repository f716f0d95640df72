using System.Buffers;
using System.Text;
using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as the JSON of <c>InvokeComplete</c>, and as its error details.</summary>
internal static class InvokeCompleteTarget
{
    public static void Run(byte[] input)
    {
        var complete = Read(new(input));
        var fromFragments = Read(new FragmentSizes(input).Split(input));
        FindingException.Unless(GetValues(complete) == GetValues(fromFragments), "The split changes the result.");
        if (complete is null) return;

        var details = new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = Encoding.UTF8.GetString(input) };
        var failure = new FunctionErrorException("m", details);
        FindingException.Unless(failure.FunctionStackTrace is not null, "The stack trace is null.");
        try
        {
            _ = complete.DecodeLogResult();
        }
        catch (FormatException)
        {
            // Documented behavior: the log is not valid base64.
        }
    }

    private static (bool, string?, string?, string?) GetValues(InvokeComplete? complete) =>
        (complete is null, complete?.ErrorCode, complete?.ErrorDetails, complete?.LogResult);

    private static InvokeComplete? Read(ReadOnlySequence<byte> payload)
    {
        try
        {
            return LambdaMessage.ReadInvokeComplete(payload);
        }
        catch (ResponseStreamCorruptException exception)
            when (exception.Reason == ResponseStreamCorruptionReason.MalformedEvent)
        {
            return null;
        }
    }
}
