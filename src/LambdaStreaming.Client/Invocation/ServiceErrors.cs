using LambdaStreaming.Configuration;
using LambdaStreaming.Errors;
using LambdaStreaming.Signing;

namespace LambdaStreaming.Invocation;

/// <summary>Reads the errors of the service.</summary>
internal sealed class ServiceErrors(TimeProvider timeProvider, ClockSkew clockSkew)
{
    /// <returns>The exception for a response whose status is an error.</returns>
    public async Task<LambdaServiceException> ReadAsync(
        InvocationAttempt attempt,
        HttpResponseMessage response,
        CancellationToken cancellationToken)
    {
        // Read the clock before the body, which can be slow. The Date header is the time of the response headers.
        var (now, elapsed) = (timeProvider.GetUtcNow(), timeProvider.GetElapsedTime(attempt.SentAt));
        var error = await ReadResponseAsync(attempt, response, cancellationToken).ConfigureAwait(false);
        var details = attempt.Describe(response.StatusCode, ErrorResponse.GetRequestId(response, attempt.Redactor)) with
        {
            ErrorCode = error.Code,
            RedactedErrorCode = attempt.Redactor.Name(error.Code),
            ServiceMessage = error.Message ?? "",
            Fields = error.Fields,
            RetryAfter = ErrorResponse.GetRetryAfter(response, now),
        };
        var entry = ServiceErrorTable.Get(details.ErrorCode, (int)details.StatusCode);

        // A retry is safe: the signature was rejected before the function ran, and the next signature uses the clock of
        // the service. Other errors do not correct the clock: they can be from a proxy, which has a different clock.
        if (entry.MayBeClockSkew
            && clockSkew.TryUpdate(attempt.Invocation.Settings.Endpoint, now, response, elapsed, attempt.ClockSkew))
        {
            details = details with { IsTransient = true, FunctionMayHaveRun = details.FunctionMayHaveRun ?? false };
        }

        details = details with { Advice = ExceptionMessages.GetAdvice(entry, details) };
        var message = ExceptionMessages.DescribeServiceError(details, entry, response, attempt.Redactor);
        return entry.Create(message, details);
    }

    private async Task<ErrorResponse> ReadResponseAsync(
        InvocationAttempt attempt,
        HttpResponseMessage response,
        CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(ErrorResponse.BodyTimeout, timeProvider, cancellationToken);
        try
        {
            // The body of a handler of the caller can ignore the token.
            return await ErrorResponse.ReadAsync(response, limit.Token)
                .WaitOrAbandonAsync(limit.Token)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!attempt.Invocation.CancellationToken.IsCancellationRequested)
        {
            // The body was not received in time, or a resilience strategy cancelled the attempt. The status and the
            // headers are enough.
            return ErrorResponse.FromHeaders(response);
        }
    }
}
