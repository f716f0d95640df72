using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using LambdaStreaming.AspNetCore.Diagnostics;
using LambdaStreaming.AspNetCore.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>A ProblemDetails response (RFC 9457) for a call that failed before its first byte.</summary>
/// <remarks>
/// It does not reveal the function or other internals unless <see cref="LambdaStreamOptions.IncludeErrorDetails"/> is
/// set. docs/aspnetcore.md lists the statuses.
/// </remarks>
internal sealed record ProblemResponse(
    int StatusCode,
    string Detail,
    Exception Exception,
    TimeSpan? RetryAfter = null)
{
    private static readonly TimeSpan DefaultRetryAfter = TimeSpan.FromSeconds(1);

    private string ErrorDetails => $"{Exception.GetType().Name}: {Exception.Message}";

    private string? RequestId =>
        Exception is LambdaStreamingException { RequestId: { Length: > 0 } requestId } ? requestId : null;

    /// <summary>Creates the response for an exception.</summary>
    /// <returns>The response, or <see langword="null"/> if the exception is not handled here.</returns>
    public static ProblemResponse? FromException(Exception exception, RequestOrigin origin) => exception switch
    {
        RequestRejectedException rejected => new(rejected.StatusCode, rejected.Message, exception),

        // The server's own limits: the body was too long, too slow or incomplete.
        BadHttpRequestException bad => new(bad.StatusCode, "The request could not be read.", exception),

        // A service error within the stream is handled as the same error before the stream.
        ResponseStreamErrorException { InnerException: LambdaServiceException inner } =>
            FromException(inner, origin)! with { Exception = exception },
        LambdaServiceException serviceError => FromServiceError(serviceError, origin),
        FunctionErrorException { ErrorCode: FunctionErrorCodes.SandboxTimedout or FunctionErrorCodes.SandboxTimeout } =>
            TimedOut(exception),
        ResponseStreamIdleTimeoutException => TimedOut(exception),
        LambdaTransportException transport when IsTimeout(transport.InnerException) => TimedOut(exception),
        LambdaConfigurationException => new(
            StatusCodes.Status500InternalServerError,
            "This server is not configured to invoke the function.",
            exception),
        ResponseStreamTruncatedException => new(
            StatusCodes.Status502BadGateway,
            "The connection to the function was lost. The response is incomplete.",
            exception),
        LambdaStreamingException => Failed(exception),
        _ => null,
    };

    /// <summary>Describes an exception after the headers were sent, with the same texts.</summary>
    public static LambdaStreamFailure CreateFailure(
        Exception exception,
        RequestOrigin origin,
        HttpContext context,
        LambdaStreamOptions options)
    {
        var problem = FromException(exception, origin) ?? Failed(exception);
        return new LambdaStreamFailure
        {
            StatusCode = problem.StatusCode,
            Detail = problem.Detail,
            TraceId = GetTraceId(context),
            ErrorDetails = options.IncludeErrorDetails ? problem.ErrorDetails : null,
            RequestId = options.IncludeErrorDetails ? problem.RequestId : null,
            Exception = exception,
        };
    }

    public async Task WriteAsync(HttpContext context, LambdaStreamOptions options, ILogger logger)
    {
        LogFailure(logger, context.Request.Path);
        context.Response.StatusCode = StatusCode;
        context.Response.Headers.CacheControl = "no-store";
        if (RetryAfter is { } delay)
        {
            var seconds = Math.Max(1, (long)Math.Ceiling(delay.TotalSeconds));
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        var problem = CreateProblemDetails(context, options);
        if (context.RequestServices.GetService<IProblemDetailsService>() is { } service)
        {
            var problemContext = new ProblemDetailsContext
            {
                HttpContext = context,
                ProblemDetails = problem,
                Exception = Exception,
            };
            if (await service.TryWriteAsync(problemContext).ConfigureAwait(false)) return;
        }

        await WriteJsonAsync(context, problem).ConfigureAwait(false);
    }

    private async Task WriteJsonAsync(HttpContext context, ProblemDetails problem)
    {
        context.Response.ContentType = "application/problem+json";
        var body = context.Response.BodyWriter;
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("type"u8, problem.Type);
            json.WriteString("title"u8, problem.Title);
            json.WriteNumber("status"u8, StatusCode);
            json.WriteString("detail"u8, problem.Detail);
            foreach (var (name, value) in problem.Extensions) json.WriteString(name, (string?)value);
            json.WriteEndObject();
        }

        await body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private ProblemDetails CreateProblemDetails(HttpContext context, LambdaStreamOptions options)
    {
        var problem = new ProblemDetails
        {
            Type = "about:blank",
            Title = ReasonPhrases.GetReasonPhrase(StatusCode),
            Status = StatusCode,
            Detail = Detail,
        };
        problem.Extensions["traceId"] = GetTraceId(context);
        if (options.IncludeErrorDetails)
        {
            problem.Extensions["exception"] = ErrorDetails;
            if (RequestId is { } requestId) problem.Extensions["requestId"] = requestId;
        }

        return problem;
    }

    private static string GetTraceId(HttpContext context) => Activity.Current?.Id ?? context.TraceIdentifier;

    private void LogFailure(ILogger logger, string path)
    {
        if (Exception is RequestRejectedException or BadHttpRequestException)
        {
            Log.RequestRejected(logger, path, StatusCode, Exception.Message);
            return;
        }

        var level = StatusCode switch
        {
            < 500 => LogLevel.Information,
            StatusCodes.Status503ServiceUnavailable => LogLevel.Warning,
            _ => LogLevel.Error,
        };
        Log.FailedBeforeFirstByte(logger, level, path, StatusCode, Exception);
    }

    private static ProblemResponse FromServiceError(LambdaServiceException exception, RequestOrigin origin) =>
        exception switch
        {
            { IsThrottling: true } => Unavailable(exception),
            InvalidRequestContentException when origin.IsJsonFromClient => new(
                StatusCodes.Status400BadRequest,
                "The request body is not valid JSON.",
                exception),
            RequestTooLargeException or SerializedRequestEntityTooLargeException or RequestEntityTooLargeException
                when origin.IsSizeFromClient => new(
                    StatusCodes.Status413PayloadTooLarge,
                    "The request is too large for the function.",
                    exception),
            EFSMountTimeoutException or S3FilesMountTimeoutException or SnapStartTimeoutException
                or RequestTimeoutException or { StatusCode: HttpStatusCode.GatewayTimeout } => TimedOut(exception),
            { StatusCode: HttpStatusCode.ServiceUnavailable } or { IsSafeToRetry: true } => Unavailable(exception),
            _ => Failed(exception),
        };

    private static ProblemResponse Unavailable(LambdaServiceException exception) => new(
        StatusCodes.Status503ServiceUnavailable,
        "The function cannot accept the request now. Try again later.",
        exception,
        exception.RetryAfter ?? DefaultRetryAfter);

    private static ProblemResponse TimedOut(Exception exception) =>
        new(StatusCodes.Status504GatewayTimeout, "The function did not respond in time.", exception);

    private static ProblemResponse Failed(Exception exception) => new(
        StatusCodes.Status502BadGateway,
        "The function failed, could not be invoked, or returned an invalid response.",
        exception);

    // The client's own timeouts have a TimeoutException as their cause. An HTTP handler of the app, or a client other
    // than LambdaStreamingClient, can report a timeout as a cancellation.
    private static bool IsTimeout(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is TimeoutException or OperationCanceledException) return true;
        }

        return false;
    }
}
