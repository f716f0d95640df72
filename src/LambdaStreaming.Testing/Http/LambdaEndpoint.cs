using System.Globalization;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Signing;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.Http;

/// <summary>The operation InvokeWithResponseStream, from the request line to the end of the answer.</summary>
internal sealed class LambdaEndpoint(
    LocalLambdaServerOptions options, WebPageGuard guard, SigV4Verifier verifier, RequestLog requests, CancellationToken stopping)
    : IHttpApplication<HttpContext>
{
    // Source: AWS Lambda API reference, InvokeWithResponseStream, Request Syntax.
    private const string PathStart = "/2021-11-15/functions/";
    private const string PathEnd = "/response-streaming-invocations";

    private int _running;

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        if (guard.FindReason(context) is { } reason)
        {
            // Not recorded: what a web page sends must not change what a test sees.
            var refusal = Error("AccessDeniedException", reason);
            await ServiceErrors.WriteAsync(context.Response, refusal, CancellationToken.None).ConfigureAwait(false);
            return;
        }

        byte[]? body;
        try
        {
            body = await ReadBodyAsync(context).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return;     // the client left amid its request
        }

        var request = CreateRequest(context, body);
        context.Response.Headers["x-amzn-RequestId"] = request.RequestId;
        // The service's clock, which may be set by a test: clients correct their own by it.
        context.Response.Headers.Date = options.TimeProvider.GetUtcNow().ToString("r", CultureInfo.InvariantCulture);
        using var leaving = context.RequestAborted.Register(ClientDisconnected);
        try
        {
            await RespondAsync(context, request, body).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested || stopping.IsCancellationRequested)
        {
            context.Abort();
        }
        finally
        {
            // The end of the function may overtake the registration: both hang on the same token.
            if (context.RequestAborted.IsCancellationRequested) ClientDisconnected();
            request.SetCompleted();
        }

        void ClientDisconnected()
        {
            if (!stopping.IsCancellationRequested) request.SetClientDisconnected();
        }
    }

    private async Task RespondAsync(HttpContext context, ReceivedRequest request, byte[]? body)
    {
        if (Validate(context, request, body) is { } refusal)
        {
            await RefuseAsync(context, request, refusal).ConfigureAwait(false);
            return;
        }

        var function = options.Functions[request.FunctionName!];
        (var version, var handler) = function.Resolve(request.Qualifier)!.Value;
        var invocation = Invocation(request, body!, version, function.Timeout);
        if (invocation.InvocationType == "DryRun")
        {
            request.StatusCode = context.Response.StatusCode = 204;
            requests.Add(request);
            await new RawResponseWriter(context, request, InjectedFaults.None).CompleteAsync().ConfigureAwait(false);
            return;
        }

        if (TryAcquireConcurrency(function) is { } throttled)
        {
            await RefuseAsync(context, request, throttled).ConfigureAwait(false);
            return;
        }

        try
        {
            await CallAsync(context, request, function, handler, invocation).ConfigureAwait(false);
        }
        finally
        {
            // A real function runs on when its client has left, and counts to its end.
            if (invocation.Completion.IsCompleted) ReleaseConcurrency(function);
            else _ = LeaveLaterAsync(function, invocation.Completion);
        }
    }

    private async Task LeaveLaterAsync(LocalFunction function, Task end)
    {
        await end.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ReleaseConcurrency(function);
    }

    /// <returns>The answer to one call too many, or <see langword="null"/> when the call may run; then <see cref="ReleaseConcurrency"/> ends it.</returns>
    private ServiceErrorResponse? TryAcquireConcurrency(LocalFunction function)
    {
        if (!function.TryEnter()) return Throttling.CreateError(Throttling.ReservedConcurrency);
        if (Interlocked.Increment(ref _running) <= (options.MaxConcurrency ?? int.MaxValue)) return null;
        ReleaseConcurrency(function);
        return Throttling.CreateError(Throttling.AccountConcurrency);
    }

    private void ReleaseConcurrency(LocalFunction function)
    {
        Interlocked.Decrement(ref _running);
        function.Leave();
    }

    private async Task CallAsync(HttpContext context, ReceivedRequest request, LocalFunction function, FunctionHandler handler, FunctionInvocation invocation)
    {
        var faults = function.NextCall();
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var wire = new RawResponseWriter(context, request, faults);
        // A test advances its clock once it sees the request: by then the signature is verified, and the timers run.
        using var timeout = new CancellationTokenSource(faults.Delay + function.Timeout, options.TimeProvider);
        var delay = Task.Delay(faults.Delay, options.TimeProvider, gone.Token);
        requests.Add(request);
        await delay.ConfigureAwait(false);
        if (faults.StallsBeforeHeaders) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, gone.Token).ConfigureAwait(false);
        if (faults.CloseBeforeHeaders is { } mode)
        {
            await wire.AbortAsync(mode).ConfigureAwait(false);
            return;
        }

        switch (faults.Instead)
        {
            case ServiceErrorResponse error:
                request.SetError(error);
                await SendErrorAsync(context, request, error).ConfigureAwait(false);
                break;
            case RawResponse raw:
                await wire.StartAsync(raw.StatusCode, raw.Headers, gone.Token).ConfigureAwait(false);
                foreach (var piece in raw.BodySegments)
                    await wire.WriteAsync(piece, gone.Token).ConfigureAwait(false);
                if (!wire.Ended) await wire.AbortAsync(raw.End).ConfigureAwait(false);
                break;
            default:
                await RunAsync(function, handler, invocation, faults, wire, timeout.Token, gone.Token).ConfigureAwait(false);
                break;
        }
    }

    private async Task RunAsync(
        LocalFunction function,
        FunctionHandler handler,
        FunctionInvocation invocation,
        InjectedFaults faults,
        RawResponseWriter wire,
        CancellationToken timeout,
        CancellationToken gone)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(gone, timeout);
        var stream = new InvocationStream(wire, invocation, faults, options, over, gone);
        var running = Task.CompletedTask;
        try
        {
            running = handler(invocation, new FunctionResponse(stream), over.Token);
            await running.WaitAsync(over.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            gone.ThrowIfCancellationRequested();
            if (timeout.IsCancellationRequested)
            {
                invocation.Completion = Task.CompletedTask;
                stream.Fail("Sandbox.Timedout", GetTimeoutMessage(invocation, function.Timeout));
            }
        }
#pragma warning disable CA1031 // Whatever leaves a function is the function's error, as on AWS.
        catch (Exception exception)
        {
            gone.ThrowIfCancellationRequested();
            stream.Fail(exception);
        }
#pragma warning restore CA1031
        finally
        {
            // A function that does not heed its token is left behind; its error has nowhere to go.
            _ = running.ContinueWith(static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }

        if (!wire.Ended) await stream.CompleteAsync(gone).ConfigureAwait(false);
    }

    // Source: Lambda's own code, Status: timeout; and its answers as users quote them.
    private static string GetTimeoutMessage(FunctionInvocation invocation, TimeSpan timeout) =>
        string.Create(CultureInfo.InvariantCulture, $"RequestId: {invocation.RequestId} Error: Task timed out after {timeout.TotalSeconds:F2} seconds");

    /// <summary>What the service answers before any function is involved, in the order in which it looks.</summary>
    private ServiceErrorResponse? Validate(HttpContext context, ReceivedRequest request, byte[]? body)
    {
        if (request.FunctionName is not { } name)
            return Error("UnknownOperationException", $"The local server knows POST {PathStart}{{FunctionName}}{PathEnd} only.");
        if (body is null)
            return Error("RequestTooLargeException", $"Request must be smaller than {options.MaxPayloadBytes} bytes for the InvokeWithResponseStream operation");
        if (options.VerifySignatures && verifier.Verify(Signed(context, body)) is { } refusal)
            return Error(refusal.ErrorCode, refusal.Message);
        if (QualifierMismatch(request.Target))
            return Error("InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier.");
        if (request.Headers.GetValueOrDefault("X-Amz-Invocation-Type", "RequestResponse") is not ("RequestResponse" or "DryRun"))
            return Error("InvalidParameterValueException", "The invocation type of a streamed invocation is RequestResponse or DryRun.");
        if (!options.Functions.TryGetValue(name, out var function) || function.Resolve(request.Qualifier) is null)
            return Error("ResourceNotFoundException", $"Function not found: {Arn(name, request.Qualifier)}");
        if (options.RequireJsonPayload && body.Length > 0 && JsonText.FindProblem(body) is { } problem)
            return Error("InvalidRequestContentException", $"Could not parse request body into json: {problem}");
        // Source: boto/boto3#2153.
        if (request.Headers.GetValueOrDefault("X-Amz-Client-Context") is { Length: > 0 } clientContext && !IsClientContext(clientContext))
            return Error("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.");
        return null;
    }

    private Task RefuseAsync(HttpContext context, ReceivedRequest request, ServiceErrorResponse error)
    {
        request.SetError(error);
        requests.Add(request);
        return SendErrorAsync(context, request, error);
    }

    private static async Task SendErrorAsync(HttpContext context, ReceivedRequest request, ServiceErrorResponse error)
    {
        await ServiceErrors.WriteAsync(context.Response, error, context.RequestAborted).ConfigureAwait(false);
        await new RawResponseWriter(context, request, InjectedFaults.None).CompleteAsync().ConfigureAwait(false);
    }

    /// <returns>The body, or <see langword="null"/> when it is larger than a payload may be.</returns>
    private async Task<byte[]?> ReadBodyAsync(HttpContext context)
    {
        var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        for (int read; (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted).ConfigureAwait(false)) > 0;)
        {
            // What is beyond the limit is read as well, or the client would see a reset instead of the answer.
            if (body.Length <= options.MaxPayloadBytes) await body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted).ConfigureAwait(false);
        }

        return body.Length <= options.MaxPayloadBytes ? body.ToArray() : null;
    }

    private ReceivedRequest CreateRequest(HttpContext context, byte[]? body)
    {
        var target = RawTarget(context);
        (var reference, var queryQualifier) = Parse(context.Request.Method, target);
        var headers = context.Request.Headers.ToDictionary(header => header.Key, header => string.Join(',', header.Value.ToArray()), StringComparer.OrdinalIgnoreCase);
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

    private static FunctionInvocation Invocation(ReceivedRequest request, byte[] body, string version, TimeSpan timeout) => new()
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

    private static SignedRequest Signed(HttpContext context, byte[] body)
    {
        var target = RawTarget(context);
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return new SignedRequest(
            context.Request.Method,
            query < 0 ? target : target[..query],
            query < 0 ? "" : target[(query + 1)..],
            [.. context.Request.Headers.SelectMany(header => header.Value.Select(value => KeyValuePair.Create(header.Key, value ?? "")))],
            body);
    }

    // The target as it stood on the request line: Kestrel's Path is decoded and its dot segments are gone.
    private static string RawTarget(HttpContext context) => context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

    private static (FunctionReference? Function, string? QueryQualifier) Parse(string method, string target)
    {
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? target : target[..query];
        if (method != "POST" || !path.StartsWith(PathStart, StringComparison.Ordinal) || !path.EndsWith(PathEnd, StringComparison.Ordinal)
            || path.Length <= PathStart.Length + PathEnd.Length)
        {
            return default;
        }

        var segment = path[PathStart.Length..^PathEnd.Length];
        if (segment.Contains('/', StringComparison.Ordinal) || !FunctionReference.TryParse(Uri.UnescapeDataString(segment), out var function))
            return default;
        return (function, query < 0 ? null : QueryValue(target[(query + 1)..], "Qualifier"));
    }

    private static bool QualifierMismatch(string target)
    {
        (var function, var qualifier) = Parse("POST", target);
        return function?.Qualifier is { } fromName && qualifier is not null && fromName != qualifier;
    }

    private static string? QueryValue(string query, string name)
    {
        foreach (var pair in query.Split('&'))
        {
            if (pair.StartsWith(name + "=", StringComparison.Ordinal)) return Uri.UnescapeDataString(pair[(name.Length + 1)..]);
        }

        return null;
    }

    private static bool IsClientContext(string base64)
    {
        var json = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, json, out var length) && JsonText.IsObject(json.AsSpan(0, length));
    }

    private string Arn(string name, string? qualifier) =>
        $"arn:{options.Region.PartitionName}:lambda:{options.Region.SystemName}:{options.AccountId}:function:{name}{(qualifier is null ? "" : ":" + qualifier)}";

    private static ServiceErrorResponse Error(string errorCode, string message) => new(errorCode) { Message = message };
}
