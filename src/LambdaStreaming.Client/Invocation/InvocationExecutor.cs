using LambdaStreaming.Configuration;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Errors;
using LambdaStreaming.Signing;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Invocation;

/// <summary>Executes an invocation, from resolving its configuration to receiving the response headers.</summary>
internal sealed class InvocationExecutor
{
    private readonly ConfigurationResolver _settings;
    private readonly RetryPipeline _retries;
    private readonly RequestFactory _requests;
    private readonly RequestSender _sender;
    private readonly ResponseFactory _responses;
    private readonly Func<InvocationContext, CancellationToken, Task<InvokeWithResponseStreamResponse>> _executeAttempt;

    /// <param name="httpClient">Sends the requests.</param>
    /// <param name="ownsHttpClient">
    /// Whether this client has created <paramref name="httpClient"/>, so that it has no handlers of the caller.
    /// </param>
    /// <param name="options">The client's options.</param>
    /// <param name="logger">The client's log.</param>
    public InvocationExecutor(
        HttpClient httpClient,
        bool ownsHttpClient,
        LambdaStreamingClientOptions options,
        ILogger logger)
    {
        var clockSkew = new ClockSkew();
        var failures = new TransportFailures(httpClient, ownsHttpClient, options);
        _settings = new ConfigurationResolver(options, AwsEnvironment.Process);
        _retries = new RetryPipeline(options, logger);
        _requests = new RequestFactory(options, AwsEnvironment.Process, clockSkew);
        _sender = new RequestSender(httpClient, ownsHttpClient, options, failures, logger);
        _responses = new ResponseFactory(options, new ServiceErrors(options.TimeProvider, clockSkew), logger);
        _executeAttempt = ExecuteAttemptAsync;
    }

    public async Task<InvokeWithResponseStreamResponse> ExecuteAsync(
        InvokeWithResponseStreamRequest request,
        CallTelemetry? telemetry,
        CancellationToken cancellationToken)
    {
        InvocationContext? invocation = null;
        try
        {
            var settings = await _settings.ResolveAsync(cancellationToken).ConfigureAwait(false);
            telemetry?.Begin(settings.Region.SystemName, settings.Endpoint.Host, settings.Endpoint.Port);
            settings.RequireRegionOf(request.FunctionName);
            var retry = _retries.GetRule(request, settings.MaxAttempts);
            invocation = new InvocationContext(request, settings, retry, telemetry, cancellationToken);
            return await _retries.ExecuteAsync(invocation, _executeAttempt).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw Cancellation.CreateException(request, invocation, exception, cancellationToken);
        }
        catch (LambdaStreamingException exception)
        {
            // The exception describes its own attempt. Another attempt might have run the function.
            if (!exception.FunctionMayHaveRun && invocation?.EndAndGetMayHaveRun() == true)
                exception.MarkOtherAttemptMayHaveRun();
            throw;
        }
        finally
        {
            // Also after success: an attempt that a custom pipeline has abandoned must not be sent any more.
            invocation?.EndAndGetMayHaveRun();
        }
    }

    private async Task<InvokeWithResponseStreamResponse> ExecuteAttemptAsync(
        InvocationContext invocation,
        CancellationToken attemptToken)
    {
        var attempt = invocation.BeginAttempt(_sender.HandlersCanBypassGuard(invocation.Request));

        // Stays null after a cancellation or an unexpected failure. End then determines the value from the send guard.
        bool? mayHaveRun = null;
        HttpRequestMessage? request = null;
        try
        {
#pragma warning disable CA2000 // The finally block disposes it.
            request = await _requests.CreateAsync(attempt, attemptToken).ConfigureAwait(false);
#pragma warning restore CA2000
            var response = await _sender.SendAsync(attempt, request, attemptToken).ConfigureAwait(false);
            var result = await _responses.CreateAsync(attempt, response, attemptToken).ConfigureAwait(false);
            mayHaveRun = !invocation.IsDryRun;
            return result;
        }
        catch (LambdaStreamingException exception)
        {
            mayHaveRun = exception.FunctionMayHaveRun;
            invocation.LastFailure = exception;
            throw;
        }
        finally
        {
            CallerCode.Run(request, static request => request?.Dispose());
            attempt.End(mayHaveRun);
        }
    }
}
