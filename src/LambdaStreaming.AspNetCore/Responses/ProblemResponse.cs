using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LambdaStreaming.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>What a browser is told when there is no answer to pass on: a status, and a problem (RFC 9457) that names nothing inside.</summary>
/// <remarks>docs/aspnetcore.md has the table.</remarks>
internal sealed record ProblemResponse(int StatusCode, string Detail, Exception Exception, TimeSpan? RetryAfter = null)
{
    private static readonly TimeSpan DefaultRetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>The problem that an exception is; <see langword="null"/> where it is none of ours to answer.</summary>
    public static ProblemResponse? FromException(Exception exception, bool payloadFromClient) => exception switch
    {
        RequestRejectedException refused => new(refused.StatusCode, refused.Message, exception),

        // The server's own limits of a body: too long, too slow, broken off.
        BadHttpRequestException bad => new(bad.StatusCode, "The request could not be read.", exception),

        // An error that the service put into the stream is the same error.
        ResponseStreamErrorException { InnerException: LambdaServiceException inner } => FromException(inner, payloadFromClient)! with { Exception = exception },
        LambdaServiceException { IsThrottling: true } throttled => Busy(throttled),
        InvalidRequestContentException when payloadFromClient => new(StatusCodes.Status400BadRequest, "The body is not the JSON that its content type announces.", exception),
        RequestTooLargeException or SerializedRequestEntityTooLargeException or RequestEntityTooLargeException when payloadFromClient => new(StatusCodes.Status413PayloadTooLarge, "The request is too large for the function.", exception),
        EFSMountTimeoutException or S3FilesMountTimeoutException or SnapStartTimeoutException or RequestTimeoutException => TooSlow(exception),
        LambdaServiceException { StatusCode: System.Net.HttpStatusCode.GatewayTimeout } => TooSlow(exception),
        LambdaServiceException { StatusCode: System.Net.HttpStatusCode.ServiceUnavailable } unavailable => Busy(unavailable),
        LambdaServiceException { IsSafeToRetry: true } soon => Busy(soon),
        FunctionErrorException { ErrorCode: FunctionErrorCodes.SandboxTimedout or FunctionErrorCodes.SandboxTimeout } => TooSlow(exception),
        ResponseStreamIdleTimeoutException => TooSlow(exception),
        LambdaTransportException transport when IsTimeLimit(transport.InnerException) => TooSlow(exception),
        LambdaConfigurationException => new(StatusCodes.Status500InternalServerError, "This server is not set up to call the function.", exception),
        LambdaStreamingException => new(StatusCodes.Status502BadGateway, "The function behind this address could not answer.", exception),
        _ => null,
    };

    public async Task WriteAsync(HttpContext context, LambdaStreamOptions options, ILogger logger)
    {
        LogIt(logger, context.Request.Path);
        context.Response.StatusCode = StatusCode;
        context.Response.Headers.CacheControl = "no-store";
        if (RetryAfter is { } wait) context.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

        var problem = Describe(context, options);
        var service = context.RequestServices.GetService<IProblemDetailsService>();
        if (service is not null && await service.TryWriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = problem, Exception = Exception }).ConfigureAwait(false)) return;

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

    private ProblemDetails Describe(HttpContext context, LambdaStreamOptions options)
    {
        var problem = new ProblemDetails { Type = "about:blank", Title = ReasonPhrases.GetReasonPhrase(StatusCode), Status = StatusCode, Detail = Detail };
        problem.Extensions["traceId"] = Activity.Current?.Id ?? context.TraceIdentifier;
        if (options.IncludeErrorDetails)
        {
            problem.Extensions["exception"] = $"{Exception.GetType().Name}: {Exception.Message}";
            if (Exception is LambdaStreamingException { RequestId: { Length: > 0 } requestId }) problem.Extensions["requestId"] = requestId;
        }

        return problem;
    }

    private void LogIt(ILogger logger, string path)
    {
        if (Exception is RequestRejectedException or BadHttpRequestException) Log.RequestRefused(logger, path, StatusCode, Exception.Message);
        else Log.FailedBeforeFirstByte(logger, StatusCode switch { < 500 => LogLevel.Information, StatusCodes.Status503ServiceUnavailable => LogLevel.Warning, _ => LogLevel.Error }, path, StatusCode, Exception);
    }

    private static ProblemResponse Busy(LambdaServiceException exception) =>
        new(StatusCodes.Status503ServiceUnavailable, "The function behind this address cannot take the request now. Try again a little later.", exception, exception.RetryAfter ?? DefaultRetryAfter);

    private static ProblemResponse TooSlow(Exception exception) =>
        new(StatusCodes.Status504GatewayTimeout, "The function behind this address did not answer in time.", exception);

    // The client's limits of connect and head end an attempt by cancelling it.
    private static bool IsTimeLimit(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is TimeoutException or OperationCanceledException) return true;
        }

        return false;
    }
}
