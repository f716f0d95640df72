using System.Globalization;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Signing;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.Http;

/// <summary>Implements InvokeWithResponseStream as a Kestrel application.</summary>
internal sealed class LambdaService(
    LocalLambdaServerOptions options,
    WebPageGuard guard,
    SigV4Verifier verifier,
    RequestLog requests,
    CancellationToken stopping)
    : IHttpApplication<HttpContext>
{
    private readonly RequestReader _reader = new(options, requests);
    private readonly RequestValidator _validator = new(options, verifier);
    private int _runningCount;

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        if (guard.FindRejectionReason(context) is { } reason)
        {
            // Not recorded: requests of a web page must not change what a test observes.
            var error = new ServiceErrorResponse("AccessDeniedException") { Message = reason };
            await ServiceErrors.WriteAsync(context.Response, error, CancellationToken.None).ConfigureAwait(false);
            return;
        }

        byte[]? body;
        try
        {
            body = await _reader.ReadBodyAsync(context).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return;     // the client disconnected before it sent the complete request
        }

        await ProcessRequestAsync(context, body).ConfigureAwait(false);
    }

    private async Task ProcessRequestAsync(HttpContext context, byte[]? body)
    {
        var request = _reader.CreateRequest(context, body);
        context.Response.Headers["x-amzn-RequestId"] = request.RequestId;
        // Use the server's clock, which might be a test clock: clients correct their own clock by this header.
        context.Response.Headers.Date = options.TimeProvider.GetUtcNow().ToString("r", CultureInfo.InvariantCulture);
        using var registration = context.RequestAborted.Register(SetClientDisconnected);
        try
        {
            await RespondAsync(context, request, body).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
            when (context.RequestAborted.IsCancellationRequested || stopping.IsCancellationRequested)
        {
            context.Abort();
        }
        finally
        {
            // Also call SetClientDisconnected here: the function might end before the registered callback runs,
            // because both observe the same token.
            if (context.RequestAborted.IsCancellationRequested) SetClientDisconnected();
            request.SetCompleted();
        }

        void SetClientDisconnected()
        {
            if (!stopping.IsCancellationRequested) request.SetClientDisconnected();
        }
    }

    private async Task RespondAsync(HttpContext context, ReceivedRequest request, byte[]? body)
    {
        if (_validator.Validate(context, request, body) is { } invalid)
        {
            await RejectAsync(context, request, invalid).ConfigureAwait(false);
            return;
        }

        var function = options.Functions[request.FunctionName!];
        (var version, var handler) = function.Resolve(request.Qualifier)!.Value;
        var invocation = RequestReader.CreateInvocation(request, body!, version, function.Timeout);
        if (invocation.InvocationType == "DryRun")
        {
            request.StatusCode = context.Response.StatusCode = 204;
            requests.Add(request);
            await new RawResponseWriter(context, request, InjectedFaults.None).CompleteAsync().ConfigureAwait(false);
            return;
        }

        if (AcquireConcurrencyOrGetError(function) is { } throttled)
        {
            await RejectAsync(context, request, throttled).ConfigureAwait(false);
            return;
        }

        try
        {
            await CallAsync(context, request, function, handler, invocation).ConfigureAwait(false);
        }
        finally
        {
            // A function in a runtime process continues after its client disconnected, and counts until it ends.
            if (invocation.Completion.IsCompleted) ReleaseConcurrency(function);
            else _ = ReleaseConcurrencyAfterAsync(invocation.Completion, function);
        }
    }

    /// <summary>Reserves one concurrency slot, or returns the error if a limit is exceeded.</summary>
    /// <remarks>If this method succeeds, release the slot with <see cref="ReleaseConcurrency"/>.</remarks>
    /// <returns><see langword="null"/> if the slot was reserved; otherwise, the error.</returns>
    private ServiceErrorResponse? AcquireConcurrencyOrGetError(LocalFunction function)
    {
        if (!function.TryAcquireConcurrency()) return Throttling.CreateError(Throttling.ReservedConcurrency);
        if (Interlocked.Increment(ref _runningCount) <= (options.MaxConcurrency ?? int.MaxValue)) return null;
        ReleaseConcurrency(function);
        return Throttling.CreateError(Throttling.AccountConcurrency);
    }

    private void ReleaseConcurrency(LocalFunction function)
    {
        Interlocked.Decrement(ref _runningCount);
        function.ReleaseConcurrency();
    }

    private async Task ReleaseConcurrencyAfterAsync(Task completion, LocalFunction function)
    {
        await completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ReleaseConcurrency(function);
    }

    private async Task CallAsync(
        HttpContext context,
        ReceivedRequest request,
        LocalFunction function,
        FunctionHandler handler,
        FunctionInvocation invocation)
    {
        var faults = function.BeginCall();
        using var aborted = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var writer = new RawResponseWriter(context, request, faults);
        // Start the timers before the request is visible: a test that sees the request advances its clock.
        using var timeout = new CancellationTokenSource(faults.Delay + function.Timeout, options.TimeProvider);
        var delay = Task.Delay(faults.Delay, options.TimeProvider, aborted.Token);
        requests.Add(request);
        await delay.ConfigureAwait(false);
        if (faults.StallsBeforeHeaders)
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted.Token).ConfigureAwait(false);
        if (faults.CloseBeforeHeaders is { } mode)
        {
            await writer.AbortAsync(mode).ConfigureAwait(false);
            return;
        }

        switch (faults.Replacement)
        {
            case ServiceErrorResponse error:
                request.SetError(error);
                await SendErrorAsync(context, request, error).ConfigureAwait(false);
                break;
            case RawResponse raw:
                await SendRawAsync(writer, raw, aborted.Token).ConfigureAwait(false);
                break;
            default:
                await RunAsync(function, handler, invocation, faults, writer, timeout.Token, aborted.Token)
                    .ConfigureAwait(false);
                break;
        }
    }

    private async Task RunAsync(
        LocalFunction function,
        FunctionHandler handler,
        FunctionInvocation invocation,
        InjectedFaults faults,
        RawResponseWriter writer,
        CancellationToken timeoutToken,
        CancellationToken abortedToken)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(abortedToken, timeoutToken);
        var stream = new InvocationStream(writer, invocation, faults, options, cancellation, abortedToken);
        var functionTask = Task.CompletedTask;
        try
        {
            functionTask = handler(invocation, new FunctionResponse(stream), cancellation.Token);
            await functionTask.WaitAsync(cancellation.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            abortedToken.ThrowIfCancellationRequested();
            if (timeoutToken.IsCancellationRequested)
            {
                invocation.Completion = Task.CompletedTask;
                stream.Fail("Sandbox.Timedout", GetTimeoutMessage(invocation, function.Timeout));
            }
        }
#pragma warning disable CA1031 // As on AWS, every exception of a function is an error of the function.
        catch (Exception exception)
        {
            abortedToken.ThrowIfCancellationRequested();
            stream.Fail(exception);
        }
#pragma warning restore CA1031
        finally
        {
            IgnoreUnobservedException(functionTask);
        }

        if (!writer.HasEnded) await stream.CompleteAsync(abortedToken).ConfigureAwait(false);
    }

    // A function that ignores its token is abandoned. Nothing else observes its exception.
    private static void IgnoreUnobservedException(Task task) => _ = task.ContinueWith(
        static faulted => _ = faulted.Exception,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);

    // Source: Lambda's own code (Status: timeout), and messages of Lambda that users have quoted.
    private static string GetTimeoutMessage(FunctionInvocation invocation, TimeSpan timeout) => string.Create(
        CultureInfo.InvariantCulture,
        $"RequestId: {invocation.RequestId} Error: Task timed out after {timeout.TotalSeconds:F2} seconds");

    private Task RejectAsync(HttpContext context, ReceivedRequest request, ServiceErrorResponse error)
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

    private static async Task SendRawAsync(
        RawResponseWriter writer, RawResponse response, CancellationToken cancellationToken)
    {
        await writer.StartAsync(response.StatusCode, response.Headers, cancellationToken).ConfigureAwait(false);
        foreach (var segment in response.BodySegments)
            await writer.WriteAsync(segment, cancellationToken).ConfigureAwait(false);
        if (!writer.HasEnded) await writer.AbortAsync(response.End).ConfigureAwait(false);
    }
}
