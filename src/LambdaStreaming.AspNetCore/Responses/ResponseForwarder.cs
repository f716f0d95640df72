using System.Net;
using System.Runtime.ExceptionServices;
using LambdaStreaming.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Passes one answer on to a browser, from the invocation to the last byte.</summary>
internal static class ResponseForwarder
{
    private const string NoClient =
        $"No {nameof(ILambdaStreamingClient)} is registered. Register one, for example with "
        + $"builder.Services.AddSingleton<{nameof(ILambdaStreamingClient)}>(_ => new {nameof(LambdaStreamingClient)}()). "
        + $"If the client is keyed, set {nameof(LambdaStreamOptions)}.{nameof(LambdaStreamOptions.Client)} to "
        + $"http => http.RequestServices.GetRequiredKeyedService<{nameof(ILambdaStreamingClient)}>(key).";

    public static ILambdaStreamingClient GetClient(HttpContext context, LambdaStreamOptions options) =>
        options.Client?.Invoke(context)
        ?? context.RequestServices.GetService<ILambdaStreamingClient>()
        ?? throw new LambdaConfigurationException(NoClient);

    /// <summary>Finds a missing registration at startup, without creating the client.</summary>
    public static void RequireClient(IServiceProvider services)
    {
        // Optional for a container; without it, the first request fails.
        if (services.GetService<IServiceProviderIsService>()?.IsService(typeof(ILambdaStreamingClient)) == false) throw new InvalidOperationException(NoClient);
    }

    public static async Task RunAsync(HttpContext context, LambdaStreamOptions options, bool payloadFromClient, Func<CancellationToken, Task<InvokeWithResponseStreamResponse>> invoke)
    {
        var logger = (context.RequestServices.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger(Log.Category);
        var cancellationToken = context.RequestAborted;
        var body = new TrackingPipeWriter(context);
        try
        {
            var response = await invoke(cancellationToken).ConfigureAwait(false);
            await using var _ = ((IAsyncDisposable)response).ConfigureAwait(false);
            await PassOnAsync(context, body, response, options, logger, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested && body.HasBegun)
        {
            // Nearly always the browser left. But the token may be a timeout's or the app's own while the browser is still there, and middleware swallows what looks like a browser that left:
            // so the connection is ended here, unless nothing was sent yet and the timeout's own middleware can still answer. The exception goes on all the same, or an output cache on the way
            // would keep half an answer as a whole one.
            if (!IsTimedOut(context)) Log.ClientDisconnected(logger, context.Request.Path);
            if (context.Response.HasStarted || !IsTimedOut(context)) context.Abort();
            ExceptionDispatchInfo.Throw(exception);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && !IsTimedOut(context))
        {
            // Nobody is there to be told; the status is for the app's own log.
            Log.ClientDisconnected(logger, context.Request.Path);
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception exception) when (body.HasBegun)
        {
            // The exception goes on to the server, and that is the point: it then leaves out the end of the chunked body (HTTP/1.1) or resets the stream (HTTP/2), after the bytes
            // that came before, and caches on the way know that this is no answer to keep. HttpContext.Abort would take those bytes away. Before chunked bodies, closing the connection is a
            // good end, so there it must be reset. Where a middleware still holds all of it, that one drops it, and the server says 500.
            if (context.Response.HasStarted && HttpProtocol.IsHttp10(context.Request.Protocol)) context.Abort();
            ExceptionDispatchInfo.Throw(exception);
        }
        catch (Exception exception) when (ProblemResponse.FromException(exception, payloadFromClient) is { } problem)
        {
            await problem.WriteAsync(context, options, logger).ConfigureAwait(false);
        }
    }

    private static async Task PassOnAsync(HttpContext context, TrackingPipeWriter body, InvokeWithResponseStreamResponse response, LambdaStreamOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        using var http = await response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { HttpPrelude = options.HttpPrelude }, cancellationToken).ConfigureAwait(false);
        if (http.HasPrelude)
        {
            // 1xx is no answer, and beyond 599 nothing is defined.
            if ((int)http.StatusCode is < 200 or > 599) throw new PayloadFormatException($"The function gave the status {(int)http.StatusCode}, which is no final status of HTTP.");

            // The function has spoken: what it says of its answer goes out before its first byte is there.
            ResponseHeaderMapper.FromPrelude(context, http, options, logger);
            await body.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            ResponseHeaderMapper.WithoutPrelude(context, response.ResponseStreamContentType, options);
        }

        if (!ResponseHeaderMapper.MayHaveBody(context))
        {
            if (http.HasPrelude) return;

            // A failure before the first byte still changes the status.
            _ = await http.Body.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false);
            return;
        }

        // The first flush begins the answer, so a failure before the first byte finds it not begun.
        await http.CopyToAsync(body, cancellationToken).ConfigureAwait(false);

        // A server may say that nobody reads any more in place of throwing. The answer was not passed on whole then.
        if (response.InvokeComplete is null && response.StatusCode != HttpStatusCode.NoContent) throw new OperationCanceledException("The browser takes no more of the answer.", cancellationToken);
    }

    // Request timeouts are made of the same token, and their middleware answers them itself.
    private static bool IsTimedOut(HttpContext context) => context.Features.Get<IHttpRequestTimeoutFeature>()?.RequestTimeoutToken.IsCancellationRequested == true;
}
