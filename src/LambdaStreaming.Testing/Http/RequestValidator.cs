using LambdaStreaming.Testing.Signing;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.Testing.Http;

/// <summary>Validates requests as the service does before it runs a function.</summary>
internal sealed class RequestValidator(LocalLambdaServerOptions options, SigV4Verifier verifier)
{
    /// <summary>Checks a request, in the order in which the service does.</summary>
    /// <returns>The service's error, or <see langword="null"/> if the request is valid.</returns>
    public ServiceErrorResponse? Validate(HttpContext context, ReceivedRequest request, byte[]? body)
    {
        if (request.FunctionName is not { } name) return CreateUnknownOperationError();
        if (body is null) return CreateTooLargeError();
        if (options.VerifySignatures
            && verifier.Verify(RequestReader.CreateSignedRequest(context, body)) is { } signatureError)
        {
            return CreateError(signatureError.ErrorCode, signatureError.Message);
        }

        return ValidateParameters(request, name) ?? ValidateContent(request, body);
    }

    private ServiceErrorResponse? ValidateParameters(ReceivedRequest request, string name)
    {
        if (RequestReader.HasQualifierMismatch(request.Target))
        {
            return CreateError(
                "InvalidParameterValueException",
                "The derived qualifier from the function name does not match the specified qualifier.");
        }

        var invocationType = request.Headers.GetValueOrDefault("X-Amz-Invocation-Type", "RequestResponse");
        if (invocationType is not ("RequestResponse" or "DryRun"))
        {
            return CreateError(
                "InvalidParameterValueException",
                "The invocation type of a streaming invocation must be RequestResponse or DryRun.");
        }

        if (!options.Functions.TryGetValue(name, out var function) || function.Resolve(request.Qualifier) is null)
        {
            var arn = $"arn:{options.Region.PartitionName}:lambda:{options.Region.SystemName}:{options.AccountId}"
                + $":function:{name}{(request.Qualifier is null ? "" : ":" + request.Qualifier)}";
            return CreateError("ResourceNotFoundException", $"Function not found: {arn}");
        }

        return null;
    }

    private ServiceErrorResponse? ValidateContent(ReceivedRequest request, byte[] body)
    {
        const string ErrorCode = "InvalidRequestContentException";
        if (options.RequireJsonPayload && body.Length > 0 && JsonText.FindProblem(body) is { } problem)
            return CreateError(ErrorCode, $"Could not parse request body into json: {problem}");
        // Source: boto/boto3#2153.
        if (request.Headers.GetValueOrDefault("X-Amz-Client-Context") is { Length: > 0 } clientContext
            && !IsClientContext(clientContext))
        {
            return CreateError(ErrorCode, "Client context must be a valid Base64-encoded JSON object.");
        }

        return null;
    }

    private static bool IsClientContext(string base64)
    {
        var json = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, json, out var length) && JsonText.IsObject(json.AsSpan(0, length));
    }

    private static ServiceErrorResponse CreateUnknownOperationError()
    {
        const string Path = $"{RequestReader.PathStart}{{FunctionName}}{RequestReader.PathEnd}";
        return CreateError("UnknownOperationException", $"The local server implements only POST {Path}.");
    }

    private ServiceErrorResponse CreateTooLargeError() => CreateError(
        "RequestTooLargeException",
        $"Request must be smaller than {options.MaxPayloadBytes} bytes for the InvokeWithResponseStream operation");

    private static ServiceErrorResponse CreateError(string errorCode, string message) =>
        new(errorCode) { Message = message };
}
