namespace LambdaStreaming.Testing.Signing;

/// <summary>An error of signature verification, with the service's own message.</summary>
internal sealed record SignatureError(string ErrorCode, string Message)
{
    public static SignatureError CreateIncomplete(string message) => new("IncompleteSignatureException", message);

    public static SignatureError CreateInvalid(string message) => new("InvalidSignatureException", message);
}
