namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>The browser's request cannot become a payload. Never leaves this package: it becomes a problem answer.</summary>
internal sealed class RequestRejectedException(int statusCode, string detail) : Exception(detail)
{
    public int StatusCode => statusCode;
}
