using System.Threading.Channels;
using LambdaStreaming.Testing.Http;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>Implements the Lambda Runtime API for one process, as a Kestrel application.</summary>
/// <remarks>
/// Source: Lambda developer guide, "Using the Lambda runtime API" and "Building a custom runtime"; the requests of
/// aws-lambda-ric 4.0.2; Lambda's own code (rapi/handler and rapi/rendering) for states, statuses and error types.
/// </remarks>
internal sealed class RuntimeEndpoint(string functionArn, WebPageGuard guard)
    : IHttpApplication<HttpContext>, IDisposable
{
    private const string Root = "/2018-06-01/runtime/";

    private readonly Channel<RuntimeInvocation> _queue = Channel.CreateUnbounded<RuntimeInvocation>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly object _gate = new();
    private RuntimeInvocation[] _calls = [];
    private (string Type, string Details)? _initError;
    private TaskCompletionSource _nextRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _pendingNextRequests;
    private volatile bool _isInitialized;

    /// <summary>The calls in progress. The latest call stays in the list until the next one, for its log.</summary>
    public IReadOnlyList<RuntimeInvocation> Calls => Volatile.Read(ref _calls);

    /// <summary>Whether the process has requested an invocation.</summary>
    public bool IsInitialized => _isInitialized;

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
            _calls = [.. _calls.Where(other => !other.Completed.IsCompleted), call];
            initError = _initError;
        }

        if (initError is { } error) FailInit(call, error);
        else _queue.Writer.TryWrite(call);
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
            var path = context.Request.Path.Value ?? "";
            foreach (var call in Calls)
            {
                if (!path.Contains(call.Invocation.RequestId, StringComparison.Ordinal)) continue;
                call.IsFaulted = true;
                call.FailWithReason("Runtime.Unknown", $"{context.Request.Method} {path} failed: {exception.Message}");
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
                RuntimeMessages.RejectAsync(context, StatusCodes.Status403Forbidden, "Forbidden", reason),
            ("GET", ["invocation", "next"]) => HandleNextAsync(context),
            ("POST", ["invocation", var id, "response"]) => WithCallAsync(context, id, RuntimeResponse.ReceiveAsync),
            ("POST", ["invocation", var id, "error"]) => WithCallAsync(context, id, RuntimeResponse.ReceiveErrorAsync),
            ("POST", ["init", "error"]) => HandleInitErrorAsync(context),
            _ => RuntimeMessages.RejectAsync(
                context, StatusCodes.Status404NotFound, "NotFound", "The Runtime API does not have this resource."),
        };
    }

    private Task WithCallAsync(HttpContext context, string id, Func<HttpContext, RuntimeInvocation, Task> handle)
    {
        // As on Lambda, the id of the last call is known until the next one.
        if (Calls.FirstOrDefault(call => call.Invocation.RequestId == id) is not { } call)
        {
            return RuntimeMessages.RejectAsync(
                context, StatusCodes.Status400BadRequest, "InvalidRequestID", "Invalid request ID");
        }

        return !call.Completed.IsCompleted && call.TryBeginResponse()
            ? handle(context, call)
            : RuntimeMessages.RejectTransitionAsync(
                context, "This invocation has ended, or its response has already started.");
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
            _queue.Writer.TryWrite(call);
            throw;
        }
    }

    private async Task<RuntimeInvocation> WaitForCallAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _isInitialized = true;
            _pendingNextRequests++;
            _nextRequested.TrySetResult();
        }

        try
        {
            RuntimeInvocation call;
            do
            {
                call = await _queue.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
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

    private async Task HandleInitErrorAsync(HttpContext context)
    {
        var details = await RuntimeMessages.TryReadErrorAsync(context).ConfigureAwait(false);
        var type = context.Request.Headers["Lambda-Runtime-Function-Error-Type"].ToString();
        var error = (RuntimeHeaders.GetErrorType(type), details ?? "The runtime's error was truncated.");
        bool isInitialized;
        lock (_gate)
        {
            isInitialized = _isInitialized;
            if (!isInitialized) _initError = error;
        }

        if (isInitialized)
        {
            await RuntimeMessages.RejectTransitionAsync(context, "The runtime has already requested an invocation.")
                .ConfigureAwait(false);
            return;
        }

        foreach (var call in Calls) FailInit(call, error);
        await RuntimeMessages.AcceptAsync(context).ConfigureAwait(false);
    }

    // Fails the waiting call at once. After an init error, the process might keep running without ever requesting the
    // call. IsFaulted prevents reuse of the process.
    private static void FailInit(RuntimeInvocation call, (string Type, string Details) error)
    {
        if (call.Completed.IsCompleted) return;
        call.IsFaulted = true;
        call.Fail(error.Type, error.Details);
    }
}
