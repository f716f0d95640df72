namespace LambdaStreaming.AspNetCore.Answers;

/// <summary>The browser's request cannot become a payload. Never leaves this package: it becomes a problem answer.</summary>
internal sealed class RequestRefusedException(int statusCode, string detail) : Exception(detail)
{
    public int StatusCode => statusCode;
}
