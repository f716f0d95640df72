using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.Testing.Http;

/// <summary>Writes the errors documented for both operations, and the errors common to all services.</summary>
/// <remarks>
/// Source: botocore 1.43.11, lambda 2015-03-31 service-2, and @aws-sdk/client-lambda 3.1164.0, the errors of
/// InvokeWithResponseStream; AWS Lambda API reference, Common Errors.
/// </remarks>
internal static class ServiceErrors
{
    // In the model, the message field is "Message" for some errors and "message" for others.
    private static readonly Dictionary<string, (int Status, string MessageField)> Documented =
        new(StringComparer.Ordinal)
        {
            ["CodeArtifactUserDeletedException"] = (409, "message"),
            ["CodeArtifactUserFailedException"] = (409, "message"),
            ["CodeArtifactUserPendingException"] = (409, "message"),
            ["EC2AccessDeniedException"] = (502, "Message"),
            ["EC2ThrottledException"] = (502, "Message"),
            ["EC2UnexpectedException"] = (502, "Message"),
            ["EFSIOException"] = (410, "Message"),
            ["EFSMountConnectivityException"] = (408, "Message"),
            ["EFSMountFailureException"] = (403, "Message"),
            ["EFSMountTimeoutException"] = (408, "Message"),
            ["ENILimitReachedException"] = (502, "Message"),
            ["InvalidParameterValueException"] = (400, "message"),
            ["InvalidRequestContentException"] = (400, "message"),
            ["InvalidRuntimeException"] = (502, "Message"),
            ["InvalidSecurityGroupIDException"] = (502, "Message"),
            ["InvalidSubnetIDException"] = (502, "Message"),
            ["InvalidZipFileException"] = (502, "Message"),
            ["KMSAccessDeniedException"] = (502, "Message"),
            ["KMSDisabledException"] = (502, "Message"),
            ["KMSInvalidStateException"] = (502, "Message"),
            ["KMSNotFoundException"] = (502, "Message"),
            ["NoPublishedVersionException"] = (400, "Message"),
            ["RecursiveInvocationException"] = (400, "Message"),
            ["RequestTooLargeException"] = (413, "message"),
            ["ResourceConflictException"] = (409, "message"),
            ["ResourceNotFoundException"] = (404, "Message"),
            ["ResourceNotReadyException"] = (502, "message"),
            ["S3FilesMountConnectivityException"] = (408, "Message"),
            ["S3FilesMountFailureException"] = (403, "Message"),
            ["S3FilesMountTimeoutException"] = (408, "Message"),
            ["SerializedRequestEntityTooLargeException"] = (413, "message"),
            ["ServiceException"] = (500, "Message"),
            ["ServiceQuotaExceededException"] = (402, "Message"),
            ["SnapStartException"] = (400, "Message"),
            ["SnapStartNotReadyException"] = (409, "Message"),
            ["SnapStartRegenerationFailureException"] = (409, "Message"),
            ["SnapStartTimeoutException"] = (408, "Message"),
            ["SubnetIPAddressLimitReachedException"] = (502, "Message"),
            ["TooManyRequestsException"] = (429, "message"),
            ["UnsupportedMediaTypeException"] = (415, "message"),
        };

    private static readonly Dictionary<string, (int Status, string MessageField)> Common = new(StringComparer.Ordinal)
    {
        ["AccessDeniedException"] = (403, "Message"),
        ["ExpiredTokenException"] = (403, "message"),
        ["IncompleteSignatureException"] = (403, "message"),
        ["InternalFailure"] = (500, "message"),
        ["InvalidSignatureException"] = (403, "message"),
        ["MissingAuthenticationTokenException"] = (403, "message"),
        ["RequestEntityTooLargeException"] = (413, "message"),
        ["ServiceUnavailableException"] = (503, "message"),
        ["ThrottlingException"] = (400, "message"),
        ["UnknownOperationException"] = (404, "message"),
        ["UnrecognizedClientException"] = (403, "message"),
        ["ValidationException"] = (400, "message"),
    };

    public static IEnumerable<string> DocumentedNames => Documented.Keys;

    public static int GetStatus(ServiceErrorResponse error) => error.StatusCode ?? GetEntry(error.ErrorCode).Status;

    public static async Task WriteAsync(
        HttpResponse response, ServiceErrorResponse error, CancellationToken cancellationToken)
    {
        var body = CreateBody(error);
        response.StatusCode = GetStatus(error);
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        response.Headers["x-amzn-ErrorType"] = error.ErrorCode;
        if (error.RetryAfter is { } retryAfter)
            response.Headers.RetryAfter = Math.Ceiling(retryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        await response.Body.WriteAsync(body, cancellationToken).ConfigureAwait(false);
    }

    private static byte[] CreateBody(ServiceErrorResponse error) => JsonText.CreateObject(json =>
    {
        if (Documented.ContainsKey(error.ErrorCode))
            json.WriteString("Type", GetStatus(error) >= 500 ? "Service" : "User");
        var message = error.Message ?? $"{error.ErrorCode}, injected by the local server.";
        json.WriteString(GetEntry(error.ErrorCode).MessageField, message);
        foreach ((var name, var value) in error.Fields)
            json.WriteString(name, value);
    });

    private static (int Status, string MessageField) GetEntry(string errorCode) =>
        Documented.TryGetValue(errorCode, out var entry) || Common.TryGetValue(errorCode, out entry)
            ? entry
            : (400, "message");
}
