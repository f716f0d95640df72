using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore;

/// <summary>How the answer of a function is passed on to a browser. The defaults do for most functions.</summary>
public class LambdaStreamOptions
{
    /// <summary>The client that invokes the function.</summary>
    /// <value>Default: the <see cref="ILambdaStreamingClient"/> of the request's services. Never disposed here. Ignored for an answer that is there already.</value>
    public Func<HttpContext, ILambdaStreamingClient>? Client { get; set; }

    /// <summary>Whether the answer is taken to begin with the prelude of Lambda's HTTP integration, which then becomes status, headers and cookies.</summary>
    /// <value>
    /// Default: <see cref="HttpPreludeDetection.Auto"/>: JSON whose first member can be one of a prelude is held back until
    /// it cannot be one, at most 64 KiB. If the JSON of a function begins like that, and has no prelude, set
    /// <see cref="HttpPreludeDetection.Never"/>.
    /// </value>
    public HttpPreludeDetection HttpPrelude { get; set; }

    /// <summary>The content type that the browser is told where the answer has no prelude.</summary>
    /// <value>Default: the one that the service says the function gave, else <c>application/octet-stream</c>. Ignored where there is a prelude.</value>
    public string? ContentType { get; set; }

    /// <summary>Which headers of the function's prelude reach the browser, by name. Asked for those only that may pass at all: hop-by-hop headers and the like never do.</summary>
    /// <value>Default: all of them. Cookies are asked for as <c>Set-Cookie</c>, other names as the function wrote them: compare ignoring case.</value>
    public Func<string, bool>? AllowResponseHeader { get; set; }

    /// <summary>
    /// Headers of the function's prelude that are forwarded although they control a front proxy or apply to the entire host, such as
    /// <c>X-Accel-Redirect</c> or <c>Strict-Transport-Security</c>. docs/aspnetcore.md lists them.
    /// </summary>
    /// <value>Header names, case-insensitive. Default: empty, so that all such headers are dropped.</value>
    public ISet<string> AllowedControlHeaders { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a problem answer tells the browser the exception's type, its message and the request id. They name the function, the region and settings: for development only.</summary>
    /// <value>Default: <see langword="false"/>; the log has them in any case.</value>
    public bool IncludeErrorDetails { get; set; }

    internal virtual void Validate()
    {
        if (HttpPrelude is < HttpPreludeDetection.Auto or > HttpPreludeDetection.Never) throw new ArgumentException($"{HttpPrelude} is no way of looking for a prelude.", nameof(HttpPrelude));
        if (ContentType is not null && !HeaderRules.IsValue(ContentType)) throw new ArgumentException($"{nameof(ContentType)} is empty or holds a character that a header may not have.", nameof(ContentType));
        if (AllowedControlHeaders.FirstOrDefault(name => !HeaderRules.IsControlHeader(name)) is { } other)
        {
            throw new ArgumentException(
                $"{nameof(AllowedControlHeaders)} contains '{other}', which is not such a header: it is either always forwarded or never.",
                nameof(AllowedControlHeaders));
        }
    }
}
