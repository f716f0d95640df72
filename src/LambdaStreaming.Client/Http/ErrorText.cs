using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;

namespace LambdaStreaming.Http;

/// <summary>The texts that people read at three in the morning: what failed, whether the function ran, what to do, and where it was.</summary>
/// <remarks>
/// No secret, signature or payload stands in them. What a service or function says of its errors is quoted, one line of it: the second line of a signature error, for one, is the
/// canonical request with the session token in it.
/// </remarks>
internal static class ErrorText
{
    private const string NoName = "an error without a name";

    private const int MaxQuoteLength = 1000;

    // What a name or an address of an answer is given in a message: enough for any request id and media type.
    private const int MaxNameLength = 200;

    /// <summary>After an answer that began, or began to be something else.</summary>
    public const string MayBeRunning = "The function may have run, and may be running still: call it again only if it may run twice.";

    private static readonly SearchValues<char> ControlCharacters = SearchValues.Create([.. Enumerable.Range(0, 0xA0).Select(value => (char)value).Where(char.IsControl)]);

    /// <summary>An HTTP error.</summary>
    public static string Service(LambdaErrorDetails details, ErrorCatalogueEntry entry, HttpResponseMessage response, IReadOnlyList<string> notToRepeat)
    {
        var text = new StringBuilder(Named(details, notToRepeat)).Append(' ');
        var status = (int)details.StatusCode;
        if (status is >= 300 and <= 399) text.Append(CultureInfo.InvariantCulture, $"The answer redirects to {(WithoutSecrets(response.Headers.Location) is { } location ? OneLine(location, notToRepeat) : "nowhere")}. ");
        text.Append((entry.FunctionMayHaveRun, details.FunctionMayHaveRun) switch
        {
            (_, false) => "The function did not run. ",
            (true, _) => "The function may have run. ",
            (false, true) => "An earlier attempt may have run the function. ",
            _ => "The function did not run. ",
        });
        if (details.ErrorCode is null && status >= 400 && response.Content.Headers.ContentType?.MediaType is { } contentType && !contentType.EndsWith("json", StringComparison.OrdinalIgnoreCase))
            text.Append(CultureInfo.InvariantCulture, $"The answer names no error and is {OneLine(contentType, notToRepeat)}: something between this client and Lambda may have answered in its place. ");
        if (entry.Advice.Length > 0) text.Append(AdviceOf(entry, details)).Append(' ');
        return text.Append(Call(details, notToRepeat)).ToString();
    }

    /// <summary>An exception or error message in the stream.</summary>
    public static string InStream(LambdaErrorDetails details, IReadOnlyList<string> notToRepeat) =>
        $"The service ended the answer of {details.FunctionName} with {Named(details, notToRepeat)} {SoFar(details, notToRepeat)}";

    /// <summary><c>InvokeComplete</c> with an error code.</summary>
    public static string FunctionFailed(LambdaErrorDetails details, InvokeComplete complete, IReadOnlyList<string> notToRepeat)
    {
        var advice = complete.ErrorCode switch
        {
            FunctionErrorCodes.SandboxTimedout or FunctionErrorCodes.SandboxTimeout => " It ran into its timeout: raise that, or look in its log for what it waited for.",
            FunctionErrorCodes.RuntimeTruncatedResponse => " The runtime's connection broke in the middle of the answer.",
            FunctionErrorCodes.FunctionResponseSizeTooLarge => " Its answer is over the service's limit of size and was cut there.",
            FunctionErrorCodes.RuntimeInvalidEntrypoint => " It has no bootstrap or handler to start: check its configuration.",
            _ => "",
        };
        var type = OneLine(FunctionErrorDetails.Parse(complete.ErrorDetails).Type ?? "", notToRepeat);
        var name = string.IsNullOrEmpty(complete.ErrorCode) ? NoName : Quote(complete.ErrorCode, notToRepeat);
        if (type.Length > 0 && type != name) name = $"{name} ({type})";
        return $"The function {details.FunctionName} failed with {name}; {nameof(FunctionErrorException.ErrorDetails)} and its log say more.{advice} {Delivered(details)} {Call(details, notToRepeat)}";
    }

    /// <summary>The error's name and the service's own words.</summary>
    public static string Named(LambdaErrorDetails details, IReadOnlyList<string> notToRepeat)
    {
        // A bad request that this version does not know may well be about the payload, and quote a piece of it.
        var known = ErrorCatalogue.Find(details.ErrorCode);
        var hidden = known?.MayQuotePayload ?? details is { ErrorCode: not null, StatusCode: HttpStatusCode.BadRequest };
        var name = details.ErrorCode is { } code ? Quote(code, notToRepeat) : details.StatusCode != default ? string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)details.StatusCode}") : NoName;
        var words = hidden ? "" : Quote(details.ServiceMessage, notToRepeat);
        if (words.Length == 0) return hidden && known is null ? $"{name}; {nameof(LambdaServiceException.ServiceMessage)} has the service's own words." : name + ".";
        return words[^1] is '.' or '!' or '…' ? $"{name}: {words}" : $"{name}: {words}.";
    }

    /// <summary>After what ended an answer amid the stream: how far it came, what became of the function, and which call it was.</summary>
    public static string SoFar(LambdaErrorDetails details, IReadOnlyList<string> notToRepeat) =>
        $"{Delivered(details)} {MayBeRunning} {Call(details, notToRepeat)}";

    /// <summary>Which call it was.</summary>
    public static string Call(LambdaErrorDetails details, IReadOnlyList<string> notToRepeat)
    {
        var text = new StringBuilder("(function ").Append(details.FunctionName);
        if (details.Region is { } region) text.Append(", region ").Append(region);
        if (details.StatusCode != default) text.Append(CultureInfo.InvariantCulture, $", HTTP {(int)details.StatusCode}");
        if (details.Attempts > 0) text.Append(CultureInfo.InvariantCulture, $", attempt {details.Attempts}");
        if (details.Attempts > 0 && details.MaxAttempts is { } maxAttempts) text.Append(CultureInfo.InvariantCulture, $" of {maxAttempts}");
        if (!string.IsNullOrEmpty(details.RequestId)) text.Append(", request id ").Append(OneLine(details.RequestId, notToRepeat));
        return text.Append(").").ToString();
    }

    /// <summary>What an answer may echo and no message may show: the signature, the session token, the client context, the payload.</summary>
    public static IReadOnlyList<string> NotToRepeat(HttpRequestMessage request, ReadOnlyMemory<byte> payload)
    {
        List<string> secrets = [];
        if (request.Headers.NonValidated.TryGetValues("Authorization", out var authorization))
        {
            var value = authorization.ToString();
            if (value.IndexOf("Signature=", StringComparison.Ordinal) is >= 0 and var signature) secrets.Add(value[(signature + "Signature=".Length)..]);
        }

        if (request.Headers.NonValidated.TryGetValues("X-Amz-Security-Token", out var token)) secrets.Add(token.ToString());
        if (request.Headers.NonValidated.TryGetValues("X-Amz-Client-Context", out var clientContext)) secrets.Add(clientContext.ToString());
        // A word or two may well stand in a service's own sentence; and an echo of more than an error's body can hold does not occur.
        if (payload.Length is > 8 and <= ErrorAnswer.MaxBodyBytes) secrets.Add(Encoding.UTF8.GetString(payload.Span));
        secrets.RemoveAll(string.IsNullOrEmpty);
        return secrets;
    }

    private static string AdviceOf(ErrorCatalogueEntry entry, LambdaErrorDetails details)
    {
        var advice = entry.Advice.Replace("{function}", details.FunctionName, StringComparison.Ordinal).Replace("{region}", details.Region, StringComparison.Ordinal);

        // Where nothing can have run, as in a dry run, nothing can run twice.
        return details.FunctionMayHaveRun == false ? advice.Replace(" if the function may run twice", "", StringComparison.Ordinal) : advice;
    }

    private static string Delivered(LambdaErrorDetails details) => $"Delivered before that: {Count(details.ChunksReceived, "chunk")} with {Count(details.BytesReceived, "byte")}.";

    private static string Count(long number, string what) => string.Create(CultureInfo.InvariantCulture, $"{number} {what}{(number == 1 ? "" : "s")}");

    /// <summary>A name, an id or an address that came with an answer, fit to stand in a message or a log.</summary>
    public static string OneLine(string words, IReadOnlyList<string> notToRepeat) => Quote(words, notToRepeat, MaxNameLength);

    private static string Quote(string? words, IReadOnlyList<string> notToRepeat, int maxLength = MaxQuoteLength)
    {
        var text = words ?? "";
        foreach (var secret in notToRepeat) text = text.Replace(secret, "…", StringComparison.Ordinal);
        text = text.Trim();
        var end = text.AsSpan().IndexOfAny('\r', '\n') is >= 0 and var lineEnd ? lineEnd : text.Length;
        if (end > maxLength) end = char.IsHighSurrogate(text[maxLength - 1]) ? maxLength - 1 : maxLength;
        var quote = end == text.Length ? text : string.Concat(text.AsSpan(0, end).TrimEnd(), text[end] is not ('\r' or '\n') ? "…" : "");

        // A message ends in terminals and logs: what a service echoes must not move their cursor.
        return quote.AsSpan().IndexOfAny(ControlCharacters) < 0 ? quote : string.Create(quote.Length, quote, static (clean, dirty) =>
        {
            for (var i = 0; i < clean.Length; i++) clean[i] = char.IsControl(dirty[i]) ? ' ' : dirty[i];
        });
    }

    /// <summary>An address without user and query, which may be anybody's secret.</summary>
    public static string? WithoutSecrets(Uri? address)
    {
        if (address is null) return null;
        return address.IsAbsoluteUri ? address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped) : address.OriginalString.Split('?', '#')[0];
    }
}
