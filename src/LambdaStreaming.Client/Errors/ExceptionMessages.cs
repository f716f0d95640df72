using System.Globalization;
using System.Net;

namespace LambdaStreaming.Errors;

/// <summary>Builds exception messages: what failed, whether the function ran, what to do, and in which call.</summary>
/// <remarks>
/// Messages never contain a secret, a signature or the payload. External text is quoted through a
/// <see cref="Redactor"/>, which keeps only the first line of the text. The other lines of a signature error, for
/// example, contain the canonical request, and thus the session token.
/// </remarks>
internal static class ExceptionMessages
{
    /// <summary>The consequence of a failure after the response headers.</summary>
    public const string MightBeRunning =
        "The function might have run and might still be running. Retry only if the function is idempotent.";

    /// <summary>The consequence of an attempt that was not sent, after another attempt that was.</summary>
    public const string EarlierAttemptMightHaveRun =
        "Nothing was sent this time, but an earlier attempt might have run the function.";

    /// <summary>The explanation of a response that Lambda itself would not send.</summary>
    public const string SentByProxy = "A proxy or gateway might have sent it instead of Lambda.";

    private const string Unnamed = "an error without a name";

    /// <summary>Describes an HTTP error of the service.</summary>
    public static string DescribeServiceError(
        LambdaErrorDetails details,
        ServiceErrorEntry entry,
        HttpResponseMessage response,
        Redactor redactor)
    {
        List<string> sentences = [DescribeError(details, redactor)];
        var status = (int)details.StatusCode;
        if (status is >= 300 and <= 399)
            sentences.Add($"The response redirects to {redactor.Address(response.Headers.Location) ?? "nowhere"}.");
        sentences.Add(DescribeExecution(entry, details));

        var contentType = response.Content.Headers.ContentType?.MediaType;
        var isJson = contentType?.EndsWith("json", StringComparison.OrdinalIgnoreCase) ?? true;
        if (details.ErrorCode is null && status >= 400 && !isJson)
            sentences.Add($"The response is {redactor.Name(contentType)} and does not name an error. {SentByProxy}");
        if (details.Advice is { } advice) sentences.Add(advice);
        sentences.Add(DescribeCall(details));
        return string.Join(' ', sentences).TrimEnd();
    }

    /// <summary>Describes an exception or error message in the stream.</summary>
    public static string DescribeStreamError(LambdaErrorDetails details, Redactor redactor)
    {
        // Without the status, which belongs to the response headers and not to the error.
        var error = DescribeError(details with { StatusCode = default }, redactor);
        var received = DescribeReceived(details);
        var text = $"The service ended the response from {details.FunctionName} after {received} with {error}";
        return AddConsequence(text, details);
    }

    /// <summary>Describes an <c>InvokeComplete</c> with an error.</summary>
    public static string DescribeFunctionError(
        LambdaErrorDetails details,
        InvokeComplete complete,
        Redactor redactor,
        bool includeText)
    {
        var code = redactor.Line(complete.ErrorCode);
        var type = redactor.Name(FunctionErrorDetails.Parse(complete.ErrorDetails).Type ?? "");
        var reason = includeText ? redactor.Line(FunctionErrorDetails.GetText(complete.ErrorDetails)) : "";
        var name = code.Length == 0 ? Unnamed : $"the error {code}";
        if (type.Length > 0 && type != code) name = $"{name} ({type})";
        var advice = GetAdvice(complete) is { } text ? $" {text}" : "";
        return AddDetail($"The function {details.FunctionName} failed with {name}", reason)
            + $" For details, see {nameof(FunctionErrorException.ErrorDetails)} or the function's log.{advice} "
            + $"Received {DescribeReceived(details)}. {DescribeStream(details)}".TrimEnd();
    }

    /// <summary>Describes an error by its name (or its status, if unnamed) and the message of the service.</summary>
    public static string DescribeError(LambdaErrorDetails details, Redactor redactor)
    {
        var name = details.ErrorCode is { } code ? redactor.Line(code)
            : details.StatusCode != default ? DescribeStatus(details.StatusCode)
            : Unnamed;
        var known = ServiceErrorTable.Find(details.ErrorCode);
        if (known is { MayQuotePayload: true }) return name + ".";

        // An unknown error with status 400 might be about the payload and quote a part of it. Its message is therefore
        // omitted.
        if (known is null && details is { ErrorCode: not null, StatusCode: HttpStatusCode.BadRequest })
        {
            const string Property = nameof(LambdaServiceException.ServiceMessage);
            return $"{name}: {Property} has the message of the service, which might quote the payload.";
        }

        return AddDetail(name, redactor.Line(details.ServiceMessage));
    }

    /// <summary>Adds the consequence and the call to the text of a failure after the response headers.</summary>
    /// <param name="text">What happened, with the name of the function.</param>
    /// <param name="details">The details of the call.</param>
    public static string AddConsequence(string text, LambdaErrorDetails details) =>
        $"{text} {MightBeRunning} {DescribeStream(details)}".TrimEnd();

    /// <summary>Adds a detail, and ends the sentence. The detail can be empty or end with a punctuation mark.</summary>
    public static string AddDetail(string text, string detail)
    {
        if (detail.Length == 0) return text + ".";
        return detail[^1] is '.' or '!' or '…' ? $"{text}: {detail}" : $"{text}: {detail}.";
    }

    /// <summary>Describes the call: function, region, status, attempt and request id.</summary>
    /// <remarks>The request id has already been redacted, when it was read.</remarks>
    public static string DescribeCall(LambdaErrorDetails details)
    {
        List<string> parts = [];
        if (details.FunctionName is { } function) parts.Add($"function {function}");
        if (details.Region is { } region) parts.Add($"region {region}");
        if (details.StatusCode != default) parts.Add(DescribeStatus(details.StatusCode));
        if (DescribeAttempt(details) is { } attempt) parts.Add(attempt);
        if (!string.IsNullOrEmpty(details.RequestId)) parts.Add($"request id {details.RequestId}");
        return parts.Count == 0 ? "" : $"({string.Join(", ", parts)}).";
    }

    /// <summary>Describes the chunks that were received.</summary>
    public static string DescribeReceived(LambdaErrorDetails details) =>
        $"{Count(details.ChunksReceived, "chunk")} ({Count(details.BytesReceived, "byte")})";

    /// <summary>Gets the advice for an error of the service.</summary>
    public static string? GetAdvice(ServiceErrorEntry entry, LambdaErrorDetails details)
    {
        if (entry.Advice.Length == 0) return null;

        // The advice in the table warns of a second execution. Omit this warning if the function did not run, as in a
        // dry run.
        if (entry is { IsTransient: true, FunctionMayHaveRun: true } && details.FunctionMayHaveRun == false)
            return "Retry the request.";
        return entry.Advice
            .Replace("{function}", details.FunctionName, StringComparison.Ordinal)
            .Replace("{region}", details.Region, StringComparison.Ordinal);
    }

    /// <summary>Gets the advice for an error of the function.</summary>
    public static string? GetAdvice(InvokeComplete complete) => complete.ErrorCode switch
    {
        FunctionErrorCodes.SandboxTimedout or FunctionErrorCodes.SandboxTimeout =>
            "The function timed out. Increase its timeout, or check its log for the cause of the delay.",
        FunctionErrorCodes.RuntimeTruncatedResponse =>
            "The connection of the function's runtime broke during the response.",
        FunctionErrorCodes.FunctionResponseSizeTooLarge =>
            "The response exceeded the size limit of the service and was truncated.",
        FunctionErrorCodes.RuntimeInvalidEntrypoint =>
            "The function has no bootstrap or handler to start. Check its configuration.",
        _ => null,
    };

    /// <summary>Formats a number with its noun.</summary>
    public static string Count(long number, string noun) => $"{number} {noun}{(number == 1 ? "" : "s")}";

    /// <summary>Formats a duration as people write it: 0.3 s, 90 s, 16 min.</summary>
    public static string FormatDuration(TimeSpan duration)
    {
        var isMinutes = duration >= TimeSpan.FromMinutes(2) && duration.Ticks % TimeSpan.TicksPerMinute == 0;
        return isMinutes
            ? $"{duration.Ticks / TimeSpan.TicksPerMinute} min"
            : string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.#######} s");
    }

    private static string DescribeExecution(ServiceErrorEntry entry, LambdaErrorDetails details) =>
        (entry.FunctionMayHaveRun, details.FunctionMayHaveRun) switch
        {
            (_, false) => "The function did not run.",
            (true, _) => "The function might have run.",
            (false, true) => "An earlier attempt might have run the function.",
            _ => "The function did not run.",
        };

    private static string DescribeStatus(HttpStatusCode statusCode) => $"HTTP {(int)statusCode}";

    // Omitted if there was only one attempt: a number would add nothing.
    private static string? DescribeAttempt(LambdaErrorDetails details)
    {
        if (details.Attempts <= 1) return null;
        var attempt = $"attempt {details.Attempts}";
        return details.MaxAttempts is { } maxAttempts ? $"{attempt} of {maxAttempts}" : attempt;
    }

    // Without the function, because the messages that use this text already name it. Without the attempt, because
    // failures after the response headers are never retried.
    private static string DescribeStream(LambdaErrorDetails details) =>
        DescribeCall(details with { FunctionName = null, Attempts = 0 });
}
