using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore;

/// <summary>Options for forwarding a function's response. The defaults are suitable for most functions.</summary>
public class LambdaStreamOptions
{
    /// <summary>A function that selects the Lambda client that invokes the function.</summary>
    /// <value>
    /// Default: <see langword="null"/>; the <see cref="ILambdaStreamingClient"/> of the request's services is used.
    /// Ignored for an existing response.
    /// </value>
    /// <remarks>The client is not disposed.</remarks>
    public Func<HttpContext, ILambdaStreamingClient>? Client { get; set; }

    /// <summary>The detection mode for the HTTP prelude.</summary>
    /// <value>Default: <see cref="HttpPreludeDetection.Auto"/>.</value>
    /// <remarks>
    /// An HTTP prelude becomes the status, headers and cookies of the HTTP response. With
    /// <see cref="HttpPreludeDetection.Auto"/>, a JSON response is held back, up to 64 KiB, if its first member could
    /// belong to an HTTP prelude. It is forwarded once it cannot be an HTTP prelude. If a function without an HTTP
    /// prelude returns such JSON, set <see cref="HttpPreludeDetection.Never"/>.
    /// </remarks>
    public HttpPreludeDetection HttpPrelude { get; set; }

    /// <summary>The content type of a response without an HTTP prelude.</summary>
    /// <value>
    /// Default: the content type that Lambda reports for the function's response, otherwise
    /// <c>application/octet-stream</c>. Ignored if the response begins with an HTTP prelude.
    /// </value>
    public string? ContentType { get; set; }

    /// <summary>A predicate that selects which headers of the function's HTTP prelude are forwarded.</summary>
    /// <value>Default: <see langword="null"/>; all permitted headers are forwarded.</value>
    /// <remarks>
    /// It is not called for headers that are never forwarded, such as hop-by-hop headers. Cookies are passed as
    /// <c>Set-Cookie</c>, other names as the function wrote them. Compare names case-insensitively.
    /// </remarks>
    public Func<string, bool>? AllowResponseHeader { get; set; }

    /// <summary>The control headers to forward from the function's HTTP prelude.</summary>
    /// <value>Header names, case-insensitive. Default: empty; all control headers are dropped.</value>
    /// <remarks>
    /// Control headers control a front proxy or apply to the entire host, for example <c>X-Accel-Redirect</c> or
    /// <c>Strict-Transport-Security</c>. The page about ASP.NET Core in the documentation of this project lists them.
    /// </remarks>
    public ISet<string> AllowedControlHeaders { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Whether a ProblemDetails response contains the exception's type and message and the request id.
    /// </summary>
    /// <value>Default: <see langword="false"/>; the log always contains them.</value>
    /// <remarks>They reveal the function, the region and settings. Use this during development only.</remarks>
    public bool IncludeErrorDetails { get; set; }

    internal virtual void Validate()
    {
        if (HttpPrelude is < HttpPreludeDetection.Auto or > HttpPreludeDetection.Never) throw UndefinedHttpPrelude();
        if (ContentType is not null && !HeaderRules.IsValue(ContentType)) throw InvalidContentType();
        if (AllowedControlHeaders.FirstOrDefault(name => !HeaderRules.IsControlHeader(name)) is { } other)
        {
            throw new ArgumentException(
                $"{nameof(AllowedControlHeaders)} contains '{other}', which is not a control header. "
                + "Such a header is either always forwarded or never.",
                nameof(AllowedControlHeaders));
        }
    }

    private ArgumentException UndefinedHttpPrelude() =>
        new($"{nameof(HttpPrelude)} is {HttpPrelude}, which is not defined.", nameof(HttpPrelude));

    private static ArgumentException InvalidContentType() => new(
        $"{nameof(ContentType)} is empty or contains a character that is not allowed in an HTTP header.",
        nameof(ContentType));
}
