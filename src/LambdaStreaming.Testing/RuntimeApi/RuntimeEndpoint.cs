using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Channels;
using LambdaStreaming.Testing.Http;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>Implements the Lambda Runtime API for one process, as a Kestrel application.</summary>
/// <remarks>
/// Source: Lambda developer guide, "Using the Lambda runtime API" and "Building a custom runtime", and the requests of
/// aws-lambda-ric 4.0.2.
/// </remarks>
internal sealed class RuntimeEndpoint(string functionArn, WebPageGuard guard)
    : IHttpApplication<HttpContext>, IDisposable
{
    private const string Root = "/2018-06-01/runtime/";
    private const string Accepted = """{"status":"OK"}""";

    private readonly Channel<RuntimeInvocation> _calls = Channel.CreateUnbounded<RuntimeInvocation>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly object _gate = new();
    private TaskCompletionSource _nextRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _pendingNextRequests;

    /// <summary>The invocation that the process received last.</summary>
    public RuntimeInvocation? Current { get; private set; }

    /// <summary>The error that the process reported when it initialized.</summary>
    public (string Type, string Details)? InitError { get; private set; }

    /// <summary>A task that completes when the process waits for an invocation.</summary>
    public Task NextRequested
    {
        get
        {
            lock (_gate) return _nextRequested.Task;
        }
    }

    public void Enqueue(RuntimeInvocation call)
    {
        try
        {
            call.Headers = RuntimeHeaders.Create(call.Invocation, functionArn);
        }
        catch (FormatException exception)
        {
            call.FailWithReason("Runtime.Unknown", exception.Message);
            return;
        }

        (string Type, string Details)? initError;
        lock (_gate)
        {
            Current = call;
            initError = InitError;
        }

        if (initError is { } error) FailInit(call, error);
        else _calls.Writer.TryWrite(call);
    }

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        try
        {
            await RouteAsync(context).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            context.Abort();    // the process has disconnected, or the server stops it
        }
#pragma warning disable CA1031 // After any other exception, the call must fail immediately instead of at its timeout.
        catch (Exception exception)
        {
            if (Current is { Completed.IsCompleted: false } call)
            {
                call.IsFaulted = true;
                var request = $"{context.Request.Method} {context.Request.Path.Value}";
                call.FailWithReason("Runtime.Unknown", $"{request} failed: {exception.Message}");
            }

            context.Abort();
        }
#pragma warning restore CA1031
    }

    private Task RouteAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        var parts = path.StartsWith(Root, StringComparison.Ordinal) ? path[Root.Length..].Split('/') : [];
        return (context.Request.Method, parts) switch
        {
            _ when guard.FindRejectionReason(context) is { } reason =>
                RespondAsync(context, StatusCodes.Status403Forbidden, CreateError("Forbidden", reason)),
            ("GET", ["invocation", "next"]) => HandleNextAsync(context),
            ("POST", ["invocation", var id, "response"]) when FindCall(id) is { } call =>
                HandleResponseAsync(context, call),
            ("POST", ["invocation", var id, "error"]) when FindCall(id) is { } call => HandleErrorAsync(context, call),
            ("POST", ["init", "error"]) => HandleInitErrorAsync(context),
            _ => RespondAsync(
                context,
                StatusCodes.Status404NotFound,
                CreateError("InvalidRequestID", "The resource or request id does not exist.")),
        };
    }

    private RuntimeInvocation? FindCall(string id)
    {
        if (Current is not { } call || call.Invocation.RequestId != id || call.Completed.IsCompleted) return null;
        return call;
    }

    private async Task HandleNextAsync(HttpContext context)
    {
        using var aborted = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        var call = await WaitForCallAsync(aborted.Token).ConfigureAwait(false);
        try
        {
            aborted.Token.ThrowIfCancellationRequested();
            foreach ((var name, var value) in call.Headers) context.Response.Headers[name] = value;

            // Runtimes always parse the payload, so an empty one is replaced by a JSON object.
            var payload = call.Invocation.Payload.IsEmpty ? "{}"u8.ToArray() : call.Invocation.Payload;
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = payload.Length;
            call.IsDelivered = true;
            await context.Response.Body.WriteAsync(payload, aborted.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // Delivered incompletely: keep the call for the next request of this process, or for another process.
            call.IsDelivered = false;
            _calls.Writer.TryWrite(call);
            throw;
        }
    }

    private async Task<RuntimeInvocation> WaitForCallAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _pendingNextRequests++;
            _nextRequested.TrySetResult();
        }

        try
        {
            RuntimeInvocation call;
            do
            {
                call = await _calls.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            while (call.Completed.IsCompleted);  // the call timed out before the process requested it
            return call;
        }
        finally
        {
            lock (_gate)
            {
                if (--_pendingNextRequests == 0)
                    _nextRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    private static async Task HandleResponseAsync(HttpContext context, RuntimeInvocation call)
    {
        call.HasResponseStarted = true;
        try
        {
            var isStreaming = context.Request.Headers["Lambda-Runtime-Function-Response-Mode"] == "streaming";
            if (context.Request.ContentType is { } contentType && !string.IsNullOrWhiteSpace(contentType))
                call.Response.ContentType = contentType;
            if (isStreaming) await ForwardBodyAsync(context, call).ConfigureAwait(false);
            else await TryWriteAsync(call, await ReadAllAsync(context).ConfigureAwait(false)).ConfigureAwait(false);

            // After an error during a streaming response, the body ends properly and trailers report the error.
            // The details of the error are base64.
            if (RuntimeHeaders.GetTrailer(context, "Lambda-Runtime-Function-Error-Type") is { } errorType)
            {
                var details = RuntimeHeaders.GetTrailer(context, "Lambda-Runtime-Function-Error-Body") ?? "";
                call.Response.Fail(errorType, RuntimeHeaders.DecodeErrorDetails(details));
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The runtime's connection ended during the body. Source: Lambda's own code (rapid, directinvoke.go).
            call.IsFaulted = true;
            call.FailWithReason("Runtime.TruncatedResponse", "The runtime's response was truncated.");
            throw;
        }

        call.SetCompleted();
        await RespondAsync(context, StatusCodes.Status202Accepted, Accepted).ConfigureAwait(false);
    }

    private static async Task ForwardBodyAsync(HttpContext context, RuntimeInvocation call)
    {
        var buffer = new byte[64 * 1024];
        var isOpen = true;
        while (await ReadAsync().ConfigureAwait(false) is > 0 and var count)
        {
            // As on AWS, the function continues to run after its client disconnected: read the body to its end.
            isOpen = isOpen && await TryWriteAsync(call, buffer.AsMemory(0, count)).ConfigureAwait(false);
        }

        ValueTask<int> ReadAsync() => context.Request.Body.ReadAsync(buffer, context.RequestAborted);
    }

    private static async Task<bool> TryWriteAsync(RuntimeInvocation call, ReadOnlyMemory<byte> payload)
    {
        try
        {
            await call.Response.WriteAsync(payload, CancellationToken.None).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is OperationCanceledException or InvalidOperationException)
        {
            return false;
        }
    }

    private static async Task HandleErrorAsync(HttpContext context, RuntimeInvocation call)
    {
        var details = await ReadAllAsync(context).ConfigureAwait(false);
        call.Fail("Unhandled", Encoding.UTF8.GetString(details));
        await RespondAsync(context, StatusCodes.Status202Accepted, Accepted).ConfigureAwait(false);
    }

    private async Task HandleInitErrorAsync(HttpContext context)
    {
        var details = Encoding.UTF8.GetString(await ReadAllAsync(context).ConfigureAwait(false));
        var type = context.Request.Headers["Lambda-Runtime-Function-Error-Type"].ToString();
        (string, string) error = (string.IsNullOrWhiteSpace(type) ? "Runtime.Unknown" : type, details);
        RuntimeInvocation? call;
        lock (_gate)
        {
            InitError = error;
            call = Current;
        }

        if (call is { Completed.IsCompleted: false }) FailInit(call, error);
        await RespondAsync(context, StatusCodes.Status202Accepted, Accepted).ConfigureAwait(false);
    }

    // Fails the waiting call at once. After an init error, the process might keep running without ever requesting the
    // call. IsFaulted prevents reuse of the process.
    private static void FailInit(RuntimeInvocation call, (string Type, string Details) error)
    {
        call.IsFaulted = true;
        call.Fail(error.Type, error.Details);
    }

    private static async Task<byte[]> ReadAllAsync(HttpContext context)
    {
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted).ConfigureAwait(false);
        return body.ToArray();
    }

    private static async Task RespondAsync(HttpContext context, int status, string json)
    {
        var body = Encoding.UTF8.GetBytes(json);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }

    private static string CreateError(string type, string message)
    {
        var encoded = JsonEncodedText.Encode(message, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        return $$"""{"errorMessage":"{{encoded}}","errorType":"{{type}}"}""";
    }
}
