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
        // Before the body, which may be slow: the Date of the response is of now.
        var (now, elapsed) = (timeProvider.GetUtcNow(), timeProvider.GetElapsedTime(attempt.SentAt));
        var answer = await ReadResponseAsync(attempt, response, cancellationToken).ConfigureAwait(false);
        var details = attempt.Describe(response.StatusCode, ErrorResponse.GetRequestId(response, attempt.Redactor)) with
        {
            ErrorCode = answer.Code,
            ShownErrorCode = attempt.Redactor.Name(answer.Code),
            ServiceMessage = answer.Message ?? "",
            Fields = answer.Fields,
            RetryAfter = ErrorResponse.GetRetryAfter(response, now),
        };
        var entry = ServiceErrorTable.Get(details.ErrorCode, (int)details.StatusCode);

        // The signature was refused before the function, and the next one is dated by the service's clock. Other errors
        // do not correct the clock: a proxy, for one, has a clock of its own.
        if (entry.MayBeClockSkew
            && clockSkew.TryUpdate(attempt.Invocation.Settings.Endpoint, now, response, elapsed, attempt.ClockSkew))
        {
            details = details with { IsTransient = true, FunctionMayHaveRun = details.FunctionMayHaveRun ?? false };
        }

        details = details with { Advice = ExceptionMessages.GetAdvice(entry, details) };
        return entry.Create(ExceptionMessages.Service(details, entry, response, attempt.Redactor), details);
    }

    private async Task<ErrorResponse> ReadResponseAsync(
        InvocationAttempt attempt,
        HttpResponseMessage response,
        CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(ErrorResponse.BodyTimeout, timeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await ErrorResponse.ReadAsync(response, linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!attempt.Invocation.CancellationToken.IsCancellationRequested)
        {
            // The body does not arrive; status and headers are enough.
            return ErrorResponse.FromHead(response);
        }
    }
}
