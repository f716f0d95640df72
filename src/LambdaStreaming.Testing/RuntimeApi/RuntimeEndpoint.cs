using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Channels;
using LambdaStreaming.Testing.Http;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The Lambda Runtime API for one process: hands it calls, takes its answers.</summary>
/// <remarks>Source: Lambda developer guide, "Using the Lambda runtime API" and "Building a custom runtime", and what aws-lambda-ric 4.0.2 puts on the wire.</remarks>
internal sealed class RuntimeEndpoint(string invokedFunctionArn, WebPageGuard guard) : IHttpApplication<HttpContext>, IDisposable
{
    private const string Root = "/2018-06-01/runtime/";

    private readonly Channel<RuntimeInvocation> _calls = Channel.CreateUnbounded<RuntimeInvocation>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly object _gate = new();
    private TaskCompletionSource _asks = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _asking;

    /// <summary>The call that the process was given last.</summary>
    public RuntimeInvocation? Current { get; private set; }

    /// <summary>The error with which the process failed to start.</summary>
    public (string Type, string Details)? InitError { get; private set; }

    /// <summary>Ends when the process asks for a call, and has none.</summary>
    public Task Asks
    {
        get
        {
            lock (_gate) return _asks.Task;
        }
    }

    public void Give(RuntimeInvocation call)
    {
        try
        {
            call.Headers = Headers(call.Invocation);
        }
        catch (FormatException exception)
        {
            call.FailWith("Runtime.Unknown", exception.Message);
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
        var path = context.Request.Path.Value ?? "";
        var parts = path.StartsWith(Root, StringComparison.Ordinal) ? path[Root.Length..].Split('/') : [];
        try
        {
            await ((context.Request.Method, parts) switch
            {
                _ when guard.FindReason(context) is { } reason => RespondAsync(context, StatusCodes.Status403Forbidden, Error("Forbidden", reason)),
                ("GET", ["invocation", "next"]) => NextAsync(context),
                ("POST", ["invocation", var id, "response"]) when FindCall(id) is { } call => ResponseAsync(context, call),
                ("POST", ["invocation", var id, "error"]) when FindCall(id) is { } call => ErrorAsync(context, call),
                ("POST", ["init", "error"]) => InitErrorAsync(context),
                _ => RespondAsync(context, StatusCodes.Status404NotFound, Error("InvalidRequestID", "no such resource or request id")),
            }).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            context.Abort();    // the process has gone, or is to go
        }
#pragma warning disable CA1031 // Whatever goes wrong here, the call must not be left to its time-out.
        catch (Exception exception)
        {
            if (Current is { Done.IsCompleted: false } call)
            {
                call.IsFaulted = true;
                call.FailWith("Runtime.Unknown", $"{context.Request.Method} {path} failed: {exception.Message}");
            }

            context.Abort();
        }
#pragma warning restore CA1031
    }

    private RuntimeInvocation? FindCall(string id) => Current is { } call && call.Invocation.RequestId == id && !call.Done.IsCompleted ? call : null;

    private async Task NextAsync(HttpContext context)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        var call = await TakeAsync(gone.Token).ConfigureAwait(false);
        try
        {
            gone.Token.ThrowIfCancellationRequested();
            foreach ((var name, var value) in call.Headers) context.Response.Headers[name] = value;

            // Runtimes parse the payload always: none has to be sent as some JSON.
            var payload = call.Invocation.Payload.IsEmpty ? "{}"u8.ToArray() : call.Invocation.Payload;
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = payload.Length;
            call.IsDelivered = true;
            await context.Response.Body.WriteAsync(payload, gone.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // Not delivered whole: for the next request of this process, or for another process.
            call.IsDelivered = false;
            _calls.Writer.TryWrite(call);
            throw;
        }
    }

    private async Task<RuntimeInvocation> TakeAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _asking++;
            _asks.TrySetResult();
        }

        try
        {
            RuntimeInvocation call;
            do
            {
                call = await _calls.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            while (call.Done.IsCompleted);  // its time was over before it was asked for
            return call;
        }
        finally
        {
            lock (_gate)
            {
                if (--_asking == 0) _asks = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    private List<KeyValuePair<string, string>> Headers(FunctionInvocation invocation)
    {
        var headers = new List<KeyValuePair<string, string>>
        {
            new("Lambda-Runtime-Aws-Request-Id", invocation.RequestId),
            new("Lambda-Runtime-Deadline-Ms", invocation.Deadline.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)),
            new("Lambda-Runtime-Invoked-Function-Arn", invokedFunctionArn + (invocation.Qualifier is null ? "" : ":" + invocation.Qualifier)),
        };
        if (invocation.Headers.TryGetValue("X-Amzn-Trace-Id", out var trace)) headers.Add(new("Lambda-Runtime-Trace-Id", trace));
        if (invocation.TenantId is not null) headers.Add(new("Lambda-Runtime-Aws-Tenant-Id", invocation.TenantId));
        if (!string.IsNullOrEmpty(invocation.ClientContext)) headers.Add(new("Lambda-Runtime-Client-Context", ClientContext(invocation.ClientContext)));
        foreach ((var name, var value) in headers)
        {
            if (value.Any(c => c is < ' ' or > '~'))
                throw new FormatException($"The header {name} of the Runtime API carries visible ASCII characters and blanks only, and the call's value for it has others.");
        }

        return headers;
    }

    private static async Task ResponseAsync(HttpContext context, RuntimeInvocation call)
    {
        call.Responding = true;
        try
        {
            var streaming = context.Request.Headers["Lambda-Runtime-Function-Response-Mode"] == "streaming";
            if (context.Request.ContentType is { } contentType && !string.IsNullOrWhiteSpace(contentType)) call.Response.ContentType = contentType;
            if (streaming) await PassOnAsync(context, call).ConfigureAwait(false);
            else await TryWriteAsync(call, await ReadAllAsync(context).ConfigureAwait(false)).ConfigureAwait(false);

            // An error amid a streamed answer: the body ends properly, and trailers tell; the details are base64.
            if (Trailer(context, "Lambda-Runtime-Function-Error-Type") is { } errorType)
                call.Response.Fail(errorType, Details(Trailer(context, "Lambda-Runtime-Function-Error-Body") ?? ""));
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // Source: Lambda's own code: the runtime's connection broke amid the body (rapid, directinvoke.go).
            call.IsFaulted = true;
            call.FailWith("Runtime.TruncatedResponse", "The runtime's response ended before its end.");
            throw;
        }

        call.SetDone();
        await RespondAsync(context, StatusCodes.Status202Accepted, """{"status":"OK"}""").ConfigureAwait(false);
    }

    private static async Task PassOnAsync(HttpContext context, RuntimeInvocation call)
    {
        var buffer = new byte[64 * 1024];
        var wanted = true;
        for (int read; (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted).ConfigureAwait(false)) > 0;)
        {
            // As on AWS, a function whose client has left runs on to its end.
            wanted = wanted && await TryWriteAsync(call, buffer.AsMemory(0, read)).ConfigureAwait(false);
        }
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

    private static async Task ErrorAsync(HttpContext context, RuntimeInvocation call)
    {
        var details = await ReadAllAsync(context).ConfigureAwait(false);
        call.Fail("Unhandled", Encoding.UTF8.GetString(details));
        await RespondAsync(context, StatusCodes.Status202Accepted, """{"status":"OK"}""").ConfigureAwait(false);
    }

    private async Task InitErrorAsync(HttpContext context)
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

        if (call is { Done.IsCompleted: false }) FailInit(call, error);
        await RespondAsync(context, StatusCodes.Status202Accepted, """{"status":"OK"}""").ConfigureAwait(false);
    }

    // It may run on, but will never ask for a call.
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

    private static string Error(string type, string message) =>
        $$"""{"errorMessage":"{{JsonEncodedText.Encode(message, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}}","errorType":"{{type}}"}""";

    private static string? Trailer(HttpContext context, string name) =>
        context.Request.SupportsTrailers() && context.Request.CheckTrailersAvailable() && context.Request.GetTrailer(name) is { Count: > 0 } value ? value.ToString() : null;

    private static string Details(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) ? Encoding.UTF8.GetString(bytes, 0, length) : base64;
    }

    private static string ClientContext(string base64) => JsonText.ToAsciiLine(Encoding.UTF8.GetString(Convert.FromBase64String(base64)));
}
