using System.Net;
using System.Runtime.ExceptionServices;
using LambdaStreaming.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Forwards the response of one invocation to an HTTP client.</summary>
internal static class ResponseForwarder
{
    private const string NoClient =
        $"No {nameof(ILambdaStreamingClient)} is registered. Register one, for example with "
        + $"builder.Services.AddSingleton<{nameof(ILambdaStreamingClient)}>("
        + $"_ => new {nameof(LambdaStreamingClient)}()). "
        + $"If the client is keyed, set {nameof(LambdaStreamOptions)}.{nameof(LambdaStreamOptions.Client)} to "
        + $"http => http.RequestServices.GetRequiredKeyedService<{nameof(ILambdaStreamingClient)}>(key).";

    public static ILambdaStreamingClient GetClient(HttpContext context, LambdaStreamOptions options) =>
        options.Client?.Invoke(context)
        ?? context.RequestServices.GetService<ILambdaStreamingClient>()
        ?? throw new LambdaConfigurationException(NoClient);

    /// <summary>Throws if no client is registered, without creating the client.</summary>
    /// <exception cref="InvalidOperationException">No client is registered.</exception>
    public static void RequireClient(IServiceProvider services)
    {
        // Not every container offers IServiceProviderIsService. Without it, a missing client is detected at the first
        // request.
        var registrations = services.GetService<IServiceProviderIsService>();
        if (registrations?.IsService(typeof(ILambdaStreamingClient)) == false)
        {
            throw new InvalidOperationException(NoClient);
        }
    }

    public static async Task RunAsync(
        HttpContext context,
        LambdaStreamOptions options,
        bool payloadFromClient,
        Func<CancellationToken, Task<InvokeWithResponseStreamResponse>> invoke)
    {
        var loggers = context.RequestServices.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance;
        var logger = loggers.CreateLogger(Log.Category);
        var cancellationToken = context.RequestAborted;
        var body = new TrackingPipeWriter(context);
        try
        {
            var response = await invoke(cancellationToken).ConfigureAwait(false);
            await using var _ = ((IAsyncDisposable)response).ConfigureAwait(false);
            await ForwardAsync(context, body, response, options, logger, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception)
            when (cancellationToken.IsCancellationRequested && body.HasStarted)
        {
            HandleCancellation(context, logger);

            // Without the exception, an output cache would store the incomplete response as complete.
            ExceptionDispatchInfo.Throw(exception);
        }
        catch (OperationCanceledException)
            when (cancellationToken.IsCancellationRequested && !IsTimedOut(context))
        {
            // The client has disconnected. Only the app's own log shows this status.
            Log.ClientDisconnected(logger, context.Request.Path);
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception exception) when (body.HasStarted)
        {
            HandleFailure(context);

            // If buffering middleware has not sent anything yet, it discards the body, and the server returns 500.
            ExceptionDispatchInfo.Throw(exception);
        }
        catch (Exception exception)
            when (ProblemResponse.FromException(exception, payloadFromClient) is { } problem)
        {
            await problem.WriteAsync(context, options, logger).ConfigureAwait(false);
        }
    }

    /// <summary>Aborts the connection after RequestAborted was cancelled during the response.</summary>
    /// <remarks>
    /// Usually the client has disconnected. A request timeout or the app can also have cancelled the token while the
    /// client is still connected. ASP.NET Core's exception handler treats all of these as a disconnected client and
    /// swallows the exception. Therefore the connection is aborted here. It stays open only if nothing has been sent
    /// and the middleware of the request timeout can still respond.
    /// </remarks>
    private static void HandleCancellation(HttpContext context, ILogger logger)
    {
        var isTimedOut = IsTimedOut(context);
        if (!isTimedOut) Log.ClientDisconnected(logger, context.Request.Path);
        if (context.Response.HasStarted || !isTimedOut) context.Abort();
    }

    /// <summary>Makes sure that the client sees a failed response as incomplete.</summary>
    /// <remarks>
    /// In HTTP/1.1 and HTTP/2, rethrowing the exception is enough: the server omits the last chunk or resets the
    /// stream. The bytes already written are still sent. In HTTP/1.0, closing the connection means complete, so the
    /// connection is reset instead, although this can lose written bytes.
    /// </remarks>
    private static void HandleFailure(HttpContext context)
    {
        if (context.Response.HasStarted && HttpProtocol.IsHttp10(context.Request.Protocol)) context.Abort();
    }

    private static async Task ForwardAsync(
        HttpContext context,
        TrackingPipeWriter body,
        InvokeWithResponseStreamResponse response,
        LambdaStreamOptions options,
        ILogger logger,
        CancellationToken cancellationToken)
    {
        var readOptions = new PayloadReadOptions { HttpPrelude = options.HttpPrelude };
        using var http = await response.ReadHttpIntegrationResponseAsync(readOptions, cancellationToken)
            .ConfigureAwait(false);
        if (http.HasPrelude)
        {
            if ((int)http.StatusCode is < 200 or > 599) throw NotAFinalStatus(http.StatusCode);

            // Send the headers before the first byte of the body arrives.
            ResponseHeaderMapper.ApplyPrelude(context, http, options, logger);
            await body.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            ResponseHeaderMapper.ApplyDefaults(context, response.ResponseStreamContentType, options);
        }

        if (!ResponseHeaderMapper.CanHaveBody(context))
        {
            if (http.HasPrelude) return;

            // Read one byte, because a failure before the first byte can still change the status.
            _ = await http.Body.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false);
            return;
        }

        // The headers are sent by the first flush, so a failure before the first byte can still change the status.
        await http.CopyToAsync(body, cancellationToken).ConfigureAwait(false);

        // A server can report a disconnected client by FlushResult.IsCompleted instead of throwing.
        // The response has then not been forwarded completely.
        if (response.InvokeComplete is null && response.StatusCode != HttpStatusCode.NoContent)
        {
            throw new OperationCanceledException("The client no longer reads the response.", cancellationToken);
        }
    }

    // The request timeout of ASP.NET Core also cancels RequestAborted. The timeout's middleware then writes the
    // response.
    private static bool IsTimedOut(HttpContext context)
    {
        var timeout = context.Features.Get<IHttpRequestTimeoutFeature>();
        return timeout?.RequestTimeoutToken.IsCancellationRequested == true;
    }

    // 1xx is not a final status, and codes above 599 are not defined.
    private static PayloadFormatException NotAFinalStatus(HttpStatusCode status) =>
        new($"The function returned the status {(int)status}, which is not a final HTTP status (200 to 599).");
}
