namespace LambdaStreaming.Http;

/// <summary>Names of header fields, and the rule for their values.</summary>
internal static class HeaderNames
{
    public const string Authorization = "Authorization";
    public const string Connection = "Connection";
    public const string ContentLength = "Content-Length";
    public const string ContentType = "Content-Type";
    public const string Cookie = "Cookie";
    public const string Host = "Host";
    public const string SetCookie = "Set-Cookie";

    // Header values that .NET has parsed never contain these characters, but the JSON values of a function's prelude
    // can. Source: RFC 9110, section 5.5.
    public static bool IsValidValue(string value) => !value.AsSpan().ContainsAny('\r', '\n', '\0');
}
