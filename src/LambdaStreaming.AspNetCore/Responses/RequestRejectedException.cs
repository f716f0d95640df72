namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>The HTTP request cannot become a payload.</summary>
/// <remarks>Internal to this package: it becomes a ProblemDetails response.</remarks>
internal sealed class RequestRejectedException(int statusCode, string detail) : Exception(detail)
{
    public int StatusCode => statusCode;
}
