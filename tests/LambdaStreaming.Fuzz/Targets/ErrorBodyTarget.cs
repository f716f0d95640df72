using LambdaStreaming.Errors;
using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as the body of an error answer, and as the payload of an exception in the stream: always a typed error, whatever it says.</summary>
internal static class ErrorBodyTarget
{
    public static void Run(byte[] input)
    {
        var answer = ErrorResponse.FromBody(input);
        FindingException.Unless(answer.Code is null || answer.Code.Length <= input.Length, "The name is longer than what came.");

        var message = Messages.Raw([.. "\r:message-type\u0007\0\texception"u8], input);
        var failure = LambdaMessage.ReadError(message.AsSpan(12, 26), new(input), new LambdaErrorDetails { FunctionName = "f" }, Redactor.None);
        FindingException.Unless(failure.Message.Length < 4096, "A message of the service fills the exception's.");
        foreach (var letter in failure.Message) FindingException.Unless(!char.IsControl(letter), "A control character of the service stands in the exception's message.");
    }
}
