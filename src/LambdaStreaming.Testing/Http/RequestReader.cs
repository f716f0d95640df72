using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Signing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.Http;

/// <summary>Reads requests of InvokeWithResponseStream.</summary>
internal sealed class RequestReader(LocalLambdaServerOptions options, RequestLog requests)
{
    // Source: AWS Lambda API reference, InvokeWithResponseStream, Request Syntax.
    public const string PathStart = "/2021-11-15/functions/";
    public const string PathEnd = "/response-streaming-invocations";

    /// <summary>Reads the complete request body.</summary>
    /// <returns>The body, or <see langword="null"/> if it exceeds the maximum payload size.</returns>
    public async Task<byte[]?> ReadBodyAsync(HttpContext context)
    {
        var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await ReadAsync().ConfigureAwait(false) is > 0 and var count)
        {
            // Read bytes above the limit too. Otherwise the client receives a connection reset instead of the error.
            if (body.Length <= options.MaxPayloadBytes)
                await body.WriteAsync(buffer.AsMemory(0, count), context.RequestAborted).ConfigureAwait(false);
        }

        return body.Length <= options.MaxPayloadBytes ? body.ToArray() : null;

        ValueTask<int> ReadAsync() => context.Request.Body.ReadAsync(buffer, context.RequestAborted);
    }

    public ReceivedRequest CreateRequest(HttpContext context, byte[]? body)
    {
        var target = GetRawTarget(context);
        (var reference, var queryQualifier) = Parse(context.Request.Method, target);
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
            FunctionName = reference?.Name,
            Qualifier = reference?.Qualifier ?? queryQualifier,
            Headers = headers,
            Payload = body,
            SdkInvocationId = sdkInvocationId,
            Attempt = requests.CountAttempt(sdkInvocationId),
            ConnectionId = context.Connection.Id,
            ReceivedAt = options.TimeProvider.GetUtcNow(),
        };
    }

    public static FunctionInvocation CreateInvocation(
        ReceivedRequest request, byte[] body, string version, TimeSpan timeout)
    {
        return new FunctionInvocation
        {
            RequestId = request.RequestId,
            FunctionName = request.FunctionName!,
            Qualifier = request.Qualifier,
            ExecutedVersion = version,
            Payload = body,
            InvocationType = request.Headers.GetValueOrDefault("X-Amz-Invocation-Type", "RequestResponse"),
            LogType = request.Headers.GetValueOrDefault("X-Amz-Log-Type", "None"),
            ClientContext = request.Headers.GetValueOrDefault("X-Amz-Client-Context"),
            TenantId = request.Headers.GetValueOrDefault("X-Amz-Tenant-Id"),
            Deadline = request.ReceivedAt + timeout,
            Headers = request.Headers,
        };
    }

    public static SignedRequest CreateSignedRequest(HttpContext context, byte[] body)
    {
        (var path, var query) = SplitTarget(GetRawTarget(context));
        var headers = context.Request.Headers.SelectMany(
            header => header.Value.Select(value => KeyValuePair.Create(header.Key, value ?? "")));
        return new SignedRequest(context.Request.Method, path, query ?? "", [.. headers], body);
    }

    /// <summary>Returns true if the function name and the query have different qualifiers.</summary>
    public static bool HasQualifierMismatch(string target)
    {
        (var function, var queryQualifier) = Parse("POST", target);
        return function?.Qualifier is { } nameQualifier
            && queryQualifier is not null
            && nameQualifier != queryQualifier;
    }

    // Returns the target as in the request line, because Kestrel decodes Path and removes its dot segments.
    private static string GetRawTarget(HttpContext context) =>
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

    private static (string Path, string? Query) SplitTarget(string target)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        if (query < 0) return (target, null);
        return (target[..query], target[(query + 1)..]);
    }

    private static (FunctionReference? Function, string? QueryQualifier) Parse(string method, string target)
    {
        (var path, var query) = SplitTarget(target);
        if (method != "POST"
            || !path.StartsWith(PathStart, StringComparison.Ordinal)
            || !path.EndsWith(PathEnd, StringComparison.Ordinal)
            || path.Length <= PathStart.Length + PathEnd.Length)
        {
            return default;
        }

        var segment = path[PathStart.Length..^PathEnd.Length];
        if (segment.Contains('/', StringComparison.Ordinal)) return default;
        if (!FunctionReference.TryParse(Uri.UnescapeDataString(segment), out var function)) return default;
        return (function, query is null ? null : FindQueryValue(query, "Qualifier"));
    }

    private static string? FindQueryValue(string query, string name)
    {
        foreach (var pair in query.Split('&'))
        {
            if (pair.StartsWith(name + "=", StringComparison.Ordinal))
                return Uri.UnescapeDataString(pair[(name.Length + 1)..]);
        }

        return null;
    }
}
