using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The Lambda Runtime API for one process: hands it calls, takes its answers.</summary>
/// <remarks>Source: Lambda developer guide, "Using the Lambda runtime API" and "Building a custom runtime", and what aws-lambda-ric 4.0.2 puts on the wire.</remarks>
internal sealed class RuntimeEndpoint(string invokedFunctionArn) : IHttpApplication<HttpContext>, IDisposable
{
    private const string Root = "/2018-06-01/runtime/";

    private readonly Channel<RuntimeInvocation> _calls = Channel.CreateUnbounded<RuntimeInvocation>();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>The call that the process was given last.</summary>
    public RuntimeInvocation? Current { get; private set; }

    /// <summary>The error with which the process failed to start.</summary>
    public (string Type, string Details)? InitError { get; private set; }

    public void Give(RuntimeInvocation call)
    {
        Current = call;
        _calls.Writer.TryWrite(call);
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
        string path = context.Request.Path.Value ?? "";
        string[] parts = path.StartsWith(Root, StringComparison.Ordinal) ? path[Root.Length..].Split('/') : [];
        try
        {
            await ((context.Request.Method, parts) switch
            {
                ("GET", ["invocation", "next"]) => NextAsync(context),
                ("POST", ["invocation", var id, "response"]) when CallOf(id) is { } call => ResponseAsync(context, call),
                ("POST", ["invocation", var id, "error"]) when CallOf(id) is { } call => ErrorAsync(context, call),
                ("POST", ["init", "error"]) => InitErrorAsync(context),
                _ => AnswerAsync(context, StatusCodes.Status404NotFound, """{"errorMessage":"no such resource or request id","errorType":"InvalidRequestID"}"""),
            }).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            context.Abort();    // the process has gone, or is to go
        }
    }

    private RuntimeInvocation? CallOf(string id) => Current is { } call && call.Invocation.RequestId == id && !call.Done.IsCompleted ? call : null;

    private async Task NextAsync(HttpContext context)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        RuntimeInvocation call = await _calls.Reader.ReadAsync(gone.Token).ConfigureAwait(false);
        FunctionInvocation invocation = call.Invocation;
        IHeaderDictionary headers = context.Response.Headers;
        headers["Lambda-Runtime-Aws-Request-Id"] = invocation.RequestId;
        headers["Lambda-Runtime-Deadline-Ms"] = invocation.Deadline.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        headers["Lambda-Runtime-Invoked-Function-Arn"] = invokedFunctionArn + (invocation.Qualifier is null ? "" : ":" + invocation.Qualifier);
        if (invocation.Headers.TryGetValue("X-Amzn-Trace-Id", out string? trace)) headers["Lambda-Runtime-Trace-Id"] = trace;
        if (invocation.TenantId is not null) headers["Lambda-Runtime-Aws-Tenant-Id"] = invocation.TenantId;
        if (ClientContext(invocation.ClientContext) is { } clientContext) headers["Lambda-Runtime-Client-Context"] = clientContext;

        // Runtimes parse the payload always: none has to be sent as some JSON.
        ReadOnlyMemory<byte> payload = invocation.Payload.IsEmpty ? "{}"u8.ToArray() : invocation.Payload;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = payload.Length;
        await context.Response.Body.WriteAsync(payload, gone.Token).ConfigureAwait(false);
    }

    private static async Task ResponseAsync(HttpContext context, RuntimeInvocation call)
    {
        call.Answering = true;
        try
        {
            bool streaming = context.Request.Headers["Lambda-Runtime-Function-Response-Mode"] == "streaming";
            if (context.Request.ContentType is { } contentType) call.Response.ContentType = contentType;
            if (streaming) await PassOnAsync(context, call).ConfigureAwait(false);
            else await TryWriteAsync(call, await ReadAllAsync(context).ConfigureAwait(false)).ConfigureAwait(false);

            // An error amid a streamed answer: the body ends properly, and trailers tell; the details are base64.
            if (Trailer(context, "Lambda-Runtime-Function-Error-Type") is { } errorType)
                call.Response.Fail(errorType, Details(Trailer(context, "Lambda-Runtime-Function-Error-Body") ?? ""));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Source: Lambda's own code: the runtime's connection broke amid the body (rapid, directinvoke.go).
            call.RuntimeBroke = true;
            call.Fail("Runtime.TruncatedResponse", $"RequestId: {call.Invocation.RequestId} Error: The runtime's response ended before its end.");
            throw;
        }

        call.SetDone();
        await AnswerAsync(context, StatusCodes.Status202Accepted, """{"status":"OK"}""").ConfigureAwait(false);
    }

    private static async Task PassOnAsync(HttpContext context, RuntimeInvocation call)
    {
        var buffer = new byte[64 * 1024];
        bool wanted = true;
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
        catch (Exception e) when (e is OperationCanceledException or InvalidOperationException)
        {
            return false;
        }
    }

    private static async Task ErrorAsync(HttpContext context, RuntimeInvocation call)
    {
        byte[] details = await ReadAllAsync(context).ConfigureAwait(false);
        call.Fail("Unhandled", Encoding.UTF8.GetString(details));
        await AnswerAsync(context, StatusCodes.Status202Accepted, """{"status":"OK"}""").ConfigureAwait(false);
    }

    private async Task InitErrorAsync(HttpContext context)
    {
        string details = Encoding.UTF8.GetString(await ReadAllAsync(context).ConfigureAwait(false));
        string type = context.Request.Headers["Lambda-Runtime-Function-Error-Type"].ToString();
        InitError = (type.Length > 0 ? type : "Runtime.Unknown", details);
        Current?.Fail(InitError.Value.Type, details);
        await AnswerAsync(context, StatusCodes.Status202Accepted, """{"status":"OK"}""").ConfigureAwait(false);
    }

    private static async Task<byte[]> ReadAllAsync(HttpContext context)
    {
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted).ConfigureAwait(false);
        return body.ToArray();
    }

    private static async Task AnswerAsync(HttpContext context, int status, string json)
    {
        byte[] body = Encoding.UTF8.GetBytes(json);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }

    private static string? Trailer(HttpContext context, string name) =>
        context.Request.SupportsTrailers() && context.Request.CheckTrailersAvailable() && context.Request.GetTrailer(name) is { Count: > 0 } value ? value.ToString() : null;

    private static string Details(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out int length) ? Encoding.UTF8.GetString(bytes, 0, length) : base64;
    }

    // A header cannot hold line breaks, and JSON does not need them.
    private static string? ClientContext(string? base64)
    {
        if (string.IsNullOrEmpty(base64)) return null;
        string json = Details(base64).ReplaceLineEndings(" ");
        return json.All(c => c is >= ' ' and < '\x7f') ? json : null;
    }
}
