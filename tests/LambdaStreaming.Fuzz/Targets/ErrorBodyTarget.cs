using LambdaStreaming.Errors;
using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Fuzz;

/// <summary>
/// Any bytes as the body of an error response, and as the payload of an exception message. The result is always a typed
/// error.
/// </summary>
internal static class ErrorBodyTarget
{
    public static void Run(byte[] input)
    {
        var response = ErrorResponse.FromBody(input);
        var isBounded = response.Code is null || response.Code.Length <= input.Length;
        FindingException.Unless(isBounded, "The error name is longer than the input.");

        var message = Messages.Raw([.. "\r:message-type\u0007\0\texception"u8], input);
        var failure = LambdaMessage.ReadError(
            message.AsSpan(12, 26),
            new(input),
            new LambdaErrorDetails { FunctionName = "f" },
            Redactor.None);
        FindingException.Unless(failure.Message.Length < 4096, "The exception message is not bounded.");
        var hasControl = failure.Message.Any(char.IsControl);
        FindingException.Unless(!hasControl, "The exception message contains a control character of the service.");
    }
}
