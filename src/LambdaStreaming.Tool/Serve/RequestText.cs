using System.Globalization;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>The lines of a log for the start and the end of a request.</summary>
internal static class RequestText
{
    private const string SignatureAdvice =
        "sign with the printed key and region, or set --region; --any-signature accepts any";

    public static string FormatStart(ReceivedRequest request)
    {
        var attempt = request.Attempt > 1
            ? string.Create(CultureInfo.InvariantCulture, $", attempt {request.Attempt}")
            : "";
        var size = ByteCount.Format(request.Payload.Length);
        return ExternalText.ToLine($"-> {GetName(request)}{attempt}, {size}, {request.RequestId}");
    }

    /// <summary>Returns the line for a request that has ended, and whether its response was complete.</summary>
    public static (string Text, bool IsSuccess) FormatEnd(ReceivedRequest request, TimeSpan duration)
    {
        var status = request.StatusCode is { } code ? code.ToString(CultureInfo.InvariantCulture) : "no response";
        var size = ByteCount.Format(request.BytesSent);
        var (isSuccess, result) = request switch
        {
            { ErrorCode: "InvalidSignatureException" } => (false, $"{status} {request.ErrorCode} ({SignatureAdvice})"),
            { ErrorCode: { } error } => (false, $"{status} {error}"),
            { FunctionErrorCode: { } error } => (false, $"{status}, function error {error}, {size} on the wire"),
            { ClientDisconnected.IsCompleted: true } => (false, $"{status}, client disconnected after {size}"),
            { StatusCode: not null, IsTruncated: true } => (false, $"{status}, truncated after {size}"),
            { StatusCode: >= 200 and < 300 } => (true, $"{status}, {size} on the wire"),
            _ => (false, status),
        };
        var text = $"<- {GetName(request)} {result}, {Duration.Format(duration)}, {request.RequestId}";
        return (ExternalText.ToLine(text), isSuccess);
    }

    private static string GetName(ReceivedRequest request)
    {
        if (request.FunctionName is not { } name)
            return $"{request.Method} {request.Target}";
        var qualifier = request.Qualifier is { } value ? ":" + value : "";
        return name + qualifier + (request.Operation == LambdaOperation.Invoke ? " (Invoke)" : "");
    }
}
