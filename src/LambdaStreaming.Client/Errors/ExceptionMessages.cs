using System.Globalization;
using System.Net;
using System.Text;

namespace LambdaStreaming.Errors;

/// <summary>The texts that people read at three in the morning: what failed, whether the function ran, what to do, and where it was.</summary>
/// <remarks>
/// No secret, signature or payload stands in them. What a service or function says of its errors is quoted, one line of it: the second line of a signature error, for one, is the
/// canonical request with the session token in it.
/// </remarks>
internal static class ExceptionMessages
{
    private const string NoName = "an error without a name";

    /// <summary>After an answer that began, or began to be something else.</summary>
    public const string MayBeRunning = "The function may have run, and may be running still: call it again only if it may run twice.";

    /// <summary>For a response that Lambda does not send.</summary>
    public const string FromSomethingElse =
        "Something between this client and Lambda may have answered in its place.";

    /// <summary>An HTTP error.</summary>
    public static string Service(LambdaErrorDetails details, ServiceErrorEntry entry, HttpResponseMessage response, Redactor redactor)
    {
        var text = new StringBuilder(DescribeError(details, redactor)).Append(' ');
        var status = (int)details.StatusCode;
        if (status is >= 300 and <= 399) text.Append(CultureInfo.InvariantCulture, $"The answer redirects to {redactor.Address(response.Headers.Location) ?? "nowhere"}. ");
        text.Append((entry.FunctionMayHaveRun, details.FunctionMayHaveRun) switch
        {
            (_, false) => "The function did not run. ",
            (true, _) => "The function may have run. ",
            (false, true) => "An earlier attempt may have run the function. ",
            _ => "The function did not run. ",
        });
        if (details.ErrorCode is null && status >= 400 && response.Content.Headers.ContentType?.MediaType is { } contentType && !contentType.EndsWith("json", StringComparison.OrdinalIgnoreCase))
            text.Append(CultureInfo.InvariantCulture, $"The answer names no error and is {redactor.Name(contentType)}: something between this client and Lambda may have answered in its place. ");
        if (details.Advice is { } advice) text.Append(advice).Append(' ');
        return text.Append(Call(details)).ToString();
    }

    /// <summary>An exception or error message in the stream.</summary>
    public static string InStream(LambdaErrorDetails details, Redactor redactor) =>
        $"The service ended the answer of {details.FunctionName} with {DescribeError(details, redactor)} {DescribeProgress(details)}";

    /// <summary><c>InvokeComplete</c> with an error code.</summary>
    public static string FunctionFailed(LambdaErrorDetails details, InvokeComplete complete, Redactor redactor)
    {
        var advice = GetAdvice(complete) is { } text ? $" {text}" : "";
        var type = redactor.Name(FunctionErrorDetails.Parse(complete.ErrorDetails).Type ?? "");
        var name = string.IsNullOrEmpty(complete.ErrorCode) ? NoName : redactor.Line(complete.ErrorCode);
        if (type.Length > 0 && type != name) name = $"{name} ({type})";
        return $"The function {details.FunctionName} failed with {name}; {nameof(FunctionErrorException.ErrorDetails)} and its log say more.{advice} {DescribeReceived(details)} {Call(details)}";
    }

    /// <summary>The error's name and the service's own words.</summary>
    public static string DescribeError(LambdaErrorDetails details, Redactor redactor)
    {
        // A bad request that this version does not know may well be about the payload, and quote a piece of it.
        var known = ServiceErrorTable.Find(details.ErrorCode);
        var hidden = known?.MayQuotePayload ?? details is { ErrorCode: not null, StatusCode: HttpStatusCode.BadRequest };
        var name = details.ErrorCode is { } code ? redactor.Line(code) : details.StatusCode != default ? string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)details.StatusCode}") : NoName;
        var words = hidden ? "" : redactor.Line(details.ServiceMessage);
        if (words.Length == 0) return hidden && known is null ? $"{name}; {nameof(LambdaServiceException.ServiceMessage)} has the service's own words." : name + ".";
        return words[^1] is '.' or '!' or '…' ? $"{name}: {words}" : $"{name}: {words}.";
    }

    /// <summary>After what ended an answer amid the stream: how far it came, what became of the function, and which call it was.</summary>
    public static string DescribeProgress(LambdaErrorDetails details) =>
        $"{DescribeReceived(details)} {MayBeRunning} {Call(details)}";

    /// <summary>Which call it was. The request id was prepared for messages when it was read.</summary>
    public static string Call(LambdaErrorDetails details)
    {
        var text = new StringBuilder("(function ").Append(details.FunctionName);
        if (details.Region is { } region) text.Append(", region ").Append(region);
        if (details.StatusCode != default) text.Append(CultureInfo.InvariantCulture, $", HTTP {(int)details.StatusCode}");
        if (details.Attempts > 0) text.Append(CultureInfo.InvariantCulture, $", attempt {details.Attempts}");
        if (details.Attempts > 0 && details.MaxAttempts is { } maxAttempts) text.Append(CultureInfo.InvariantCulture, $" of {maxAttempts}");
        if (!string.IsNullOrEmpty(details.RequestId)) text.Append(", request id ").Append(details.RequestId);
        return text.Append(").").ToString();
    }

    /// <summary>What to do about an error of the service.</summary>
    public static string? GetAdvice(ServiceErrorEntry entry, LambdaErrorDetails details)
    {
        if (entry.Advice.Length == 0) return null;

        // The row warns of a second run. If nothing can have run, as in a dry run, nothing can run twice.
        if (entry is { IsTransient: true, FunctionMayHaveRun: true } && details.FunctionMayHaveRun == false)
            return "Send it again.";
        return entry.Advice
            .Replace("{function}", details.FunctionName, StringComparison.Ordinal)
            .Replace("{region}", details.Region, StringComparison.Ordinal);
    }

    /// <summary>What to do about an error of the function.</summary>
    public static string? GetAdvice(InvokeComplete complete) => complete.ErrorCode switch
    {
        FunctionErrorCodes.SandboxTimedout or FunctionErrorCodes.SandboxTimeout =>
            "It ran into its timeout: raise that, or look in its log for what it waited for.",
        FunctionErrorCodes.RuntimeTruncatedResponse => "The runtime's connection broke in the middle of the answer.",
        FunctionErrorCodes.FunctionResponseSizeTooLarge =>
            "Its answer is over the service's limit of size and was cut there.",
        FunctionErrorCodes.RuntimeInvalidEntrypoint =>
            "It has no bootstrap or handler to start: check its configuration.",
        _ => null,
    };

    private static string DescribeReceived(LambdaErrorDetails details) => $"Delivered before that: {Count(details.ChunksReceived, "chunk")} with {Count(details.BytesReceived, "byte")}.";

    private static string Count(long number, string what) => string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");
}
