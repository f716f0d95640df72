using LambdaStreaming.Testing.Signing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.Http;

/// <summary>Reads requests of both operations.</summary>
internal sealed class RequestReader(LocalLambdaServerOptions options, RequestLog requests)
{
    public ReceivedRequest CreateRequest(HttpContext context, byte[]? body)
    {
        var target = GetRawTarget(context);
        var parsed = RequestTarget.Parse(context.Request.Method, target);
        var headers = context.Request.Headers.ToDictionary(
            header => header.Key,
            header => string.Join(',', header.Value.ToArray()),
            StringComparer.OrdinalIgnoreCase);
        var sdkInvocationId = headers.GetValueOrDefault("amz-sdk-invocation-id");
        return new ReceivedRequest
        {
            RequestId = Guid.NewGuid().ToString(),
            Method = context.Request.Method,
            Target = target,
            ParsedTarget = parsed,
            Operation = parsed?.Operation,
            FunctionName = parsed?.Function?.Name,
            Qualifier = parsed?.Function?.Qualifier ?? parsed?.QueryQualifier,
            Headers = headers,
            Payload = body,
            SdkInvocationId = sdkInvocationId,
            Attempt = requests.CountAttempt(sdkInvocationId),
            ConnectionId = context.Connection.Id,
            ReceivedAt = options.TimeProvider.GetUtcNow(),
        };
    }

    public static string GetInvocationType(ReceivedRequest request) =>
        request.Headers.GetValueOrDefault("X-Amz-Invocation-Type", "RequestResponse");

    public static FunctionInvocation CreateInvocation(
        ReceivedRequest request, byte[] body, string version, TimeSpan timeout)
    {
        var invocationType = GetInvocationType(request);
        return new FunctionInvocation
        {
            Operation = request.Operation!.Value,
            RequestId = request.RequestId,
            FunctionName = request.FunctionName!,
            Qualifier = request.Qualifier,
            ExecutedVersion = version,
            Payload = body,
            InvocationType = invocationType,
            LogType = request.Headers.GetValueOrDefault("X-Amz-Log-Type", "None"),
            // Source: AWS Lambda API reference, Invoke: "for synchronous invocations only".
            ClientContext = invocationType == "Event"
                ? null
                : request.Headers.GetValueOrDefault("X-Amz-Client-Context"),
            TenantId = request.Headers.GetValueOrDefault("X-Amz-Tenant-Id"),
            Deadline = request.ReceivedAt + timeout,
            Headers = request.Headers,
        };
    }

    public static SignedRequest CreateSignedRequest(HttpContext context, byte[] body)
    {
        (var path, var query) = RequestTarget.Split(GetRawTarget(context));
        var headers = context.Request.Headers.SelectMany(
            header => header.Value.Select(value => KeyValuePair.Create(header.Key, value ?? "")));
        return new SignedRequest(context.Request.Method, path, query ?? "", [.. headers], body);
    }

    // Returns the target as in the request line, because Kestrel decodes Path and removes its dot segments.
    private static string GetRawTarget(HttpContext context) =>
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
}
