using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Signing;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.Http;

/// <summary>Implements the operations of the Lambda service as a Kestrel application.</summary>
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
    private readonly ConcurrencyLimit _concurrency = new(options);

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
            var (bytes, isComplete) = await BoundedBody.ReadAsync(context, options.MaxPayloadBytes)
                .ConfigureAwait(false);
            body = isComplete ? bytes : null;
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
            // because both observe the same token. The output can detect the end of the connection before Kestrel does.
            var isConnected = context.Features.GetRequiredFeature<ConnectionOutput>().IsConnected;
            if (!isConnected || context.RequestAborted.IsCancellationRequested) SetClientDisconnected();
            if (!request.RunsInBackground) request.SetCompleted();
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
        var faults = function.BeginCall();
        if (IsDryRun(request))
        {
            await RespondToDryRunAsync(context, request, faults).ConfigureAwait(false);
            return;
        }

        if (_concurrency.AcquireOrGetError(function) is { } throttled)
        {
            await RejectAsync(context, request, throttled).ConfigureAwait(false);
            return;
        }

        FunctionInvocation? invocation = null;
        Task? background = null;
        try
        {
            var timeLimit = function.GetTimeLimit(faults.Delay);
            invocation = RequestReader.CreateInvocation(request, body!, version, timeLimit);
            var run = await CallAsync(context, request, function, handler, invocation, faults).ConfigureAwait(false);
            if (run is not null) background = RunInBackgroundAsync(run, request);
        }
        finally
        {
            // A function in a runtime process continues after its client disconnected, and counts until it ends.
            _ = _concurrency.ReleaseAfterAsync(background ?? invocation?.Completion ?? Task.CompletedTask, function);
        }
    }

    private static bool IsDryRun(ReceivedRequest request) => RequestReader.GetInvocationType(request) == "DryRun";

    private async Task RespondToDryRunAsync(HttpContext context, ReceivedRequest request, InjectedFaults faults)
    {
        using var aborted = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        var writer = await BeginResponseAsync(context, request, faults, aborted.Token).ConfigureAwait(false);
        if (writer is null) return;
        request.StatusCode = context.Response.StatusCode = 204;
        await writer.CompleteAsync().ConfigureAwait(false);
    }

    /// <summary>Adds the request to the list, and waits for the injected delay.</summary>
    /// <returns>The writer of the response, or <see langword="null"/> if a fault has replaced the response.</returns>
    private async Task<RawResponseWriter?> BeginResponseAsync(
        HttpContext context,
        ReceivedRequest request,
        InjectedFaults faults,
        CancellationToken aborted)
    {
        // Start the timer before the request is visible: a test that sees the request advances its clock.
        var delay = Task.Delay(faults.Delay, options.TimeProvider, aborted);
        requests.Add(request);
        var writer = new RawResponseWriter(context, request, faults, aborted);
        await delay.ConfigureAwait(false);
        return await TryReplaceResponseAsync(writer, request, faults, aborted).ConfigureAwait(false) ? null : writer;
    }

    /// <summary>Handles a call that does not exceed a limit.</summary>
    /// <returns>The run of an asynchronous invocation, which the caller starts and disposes.</returns>
    [SuppressMessage("Reliability", "CA2000", Justification = "Disposed here or, if it is returned, by the caller.")]
    private async Task<FunctionRun?> CallAsync(
        HttpContext context,
        ReceivedRequest request,
        LocalFunction function,
        FunctionHandler handler,
        FunctionInvocation invocation,
        InjectedFaults faults)
    {
        var isAsynchronous = invocation.InvocationType == "Event";
        using var aborted = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        // The run also starts its timers before the request is visible: see BeginResponseAsync.
        var runAborted = isAsynchronous ? stopping : aborted.Token;
        var run = new FunctionRun(options, function, handler, invocation, faults.Delay, runAborted);
        try
        {
            var writer = await BeginResponseAsync(context, request, faults, aborted.Token).ConfigureAwait(false);
            if (writer is null) return null;
            if (!isAsynchronous)
            {
                await run.RunAsync(CreateBody(writer, invocation, faults), faults, request).ConfigureAwait(false);
                return null;
            }

            await AcceptAsync(writer).ConfigureAwait(false);
            request.RunsInBackground = true;
            return run;
        }
        finally
        {
            if (!request.RunsInBackground) run.Dispose();
        }
    }

    private IResponseBody CreateBody(RawResponseWriter writer, FunctionInvocation invocation, InjectedFaults faults) =>
        invocation.Operation == LambdaOperation.Invoke
            ? new BufferedBody(writer, invocation, faults, options)
            : new EventStreamBody(writer, invocation, options);

    /// <summary>Runs the function of an asynchronous invocation once; the service retries twice.</summary>
    private static async Task RunInBackgroundAsync(FunctionRun run, ReceivedRequest request)
    {
        using (run)
        {
            try
            {
                await run.RunAsync(new DiscardedBody(), InjectedFaults.None, request).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // The server stops.
            }
            finally
            {
                request.SetCompleted();
            }

            await run.Invocation.Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Source: responses of the live service to Invoke, recorded by localstack/localstack on 24 November 2025
    // (tests/aws/services/lambda_/test_lambda.snapshot.json): 202, an empty payload and no executed version.
    private static async Task AcceptAsync(RawResponseWriter writer)
    {
        await writer.StartAsync(202, [new("Content-Length", "0")]).ConfigureAwait(false);
        await writer.CompleteAsync().ConfigureAwait(false);
    }

    /// <summary>Applies the faults before the response headers.</summary>
    /// <returns>True if the function must not run.</returns>
    private static async Task<bool> TryReplaceResponseAsync(
        RawResponseWriter writer, ReceivedRequest request, InjectedFaults faults, CancellationToken aborted)
    {
        if (faults.StallsBeforeHeaders)
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted).ConfigureAwait(false);
        if (faults.CloseBeforeHeaders is { } mode)
        {
            await writer.AbortAsync(mode).ConfigureAwait(false);
            return true;
        }

        var replacement = faults.Replacement;
        var isBuffered = request.Operation == LambdaOperation.Invoke && !IsDryRun(request);
        if (isBuffered && faults.RequiresEventStream)
            replacement ??= InjectedFaults.EventStreamError;
        if (replacement is ServiceErrorResponse error)
            await writer.WriteErrorAsync(error).ConfigureAwait(false);
        else if (replacement is RawResponse raw)
            await SendRawAsync(writer, raw).ConfigureAwait(false);
        return replacement is not null;
    }

    private async Task RejectAsync(HttpContext context, ReceivedRequest request, ServiceErrorResponse error)
    {
        request.SetError(error);
        requests.Add(request);
        var writer = new RawResponseWriter(context, request, InjectedFaults.None, context.RequestAborted);
        await writer.WriteErrorAsync(error).ConfigureAwait(false);
    }

    private static async Task SendRawAsync(RawResponseWriter writer, RawResponse response)
    {
        await writer.StartAsync(response.StatusCode, response.Headers).ConfigureAwait(false);
        foreach (var segment in response.BodySegments)
            await writer.WriteAsync(segment).ConfigureAwait(false);
        if (response.End == TruncationMode.EndOfBody) await writer.CompleteAsync().ConfigureAwait(false);
        else await writer.AbortAsync(response.End).ConfigureAwait(false);
    }
}
