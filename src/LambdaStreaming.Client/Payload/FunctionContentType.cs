namespace LambdaStreaming.Payload;

/// <summary>The content type that the service reports for the payload of a function.</summary>
/// <remarks>LambdaStreaming.Http and LambdaStreaming.AspNetCore compile this file, too.</remarks>
internal static class FunctionContentType
{
    private const string IntegrationContentType = "application/vnd.awslambda.http-integration-response";
    private const string EventStreamContentType = "application/vnd.amazon.eventstream";

    /// <summary>Returns whether the content type describes the payload, and not the way in which it is sent.</summary>
    public static bool IsReported(string? contentType)
    {
        var mediaType = GetMediaType(contentType);
        return !mediaType.IsEmpty
            && !mediaType.Equals(IntegrationContentType, StringComparison.OrdinalIgnoreCase)
            && !mediaType.Equals(EventStreamContentType, StringComparison.OrdinalIgnoreCase);
    }

    public static ReadOnlySpan<char> GetMediaType(ReadOnlySpan<char> contentType)
    {
        var end = contentType.IndexOf(';');
        return (end < 0 ? contentType : contentType[..end]).Trim();
    }
}
