using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore;

/// <summary>Options for forwarding a function's response. The defaults are suitable for most functions.</summary>
public class LambdaStreamOptions
{
    internal static readonly TimeSpan DefaultKeepAliveInterval = TimeSpan.FromSeconds(15);

    // The limit of ITimer.
    private const long MaxTimerMilliseconds = uint.MaxValue - 1L;

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
    /// <c>application/octet-stream</c>. Ignored if the response begins with an HTTP prelude, unless the headers were
    /// sent before it.
    /// </value>
    /// <remarks>
    /// With <c>text/event-stream</c>, the headers are sent before the function is invoked, with the status 200, unless
    /// <see cref="KeepAliveInterval"/> is <see cref="Timeout.InfiniteTimeSpan"/> or <see cref="HttpPrelude"/> is
    /// <see cref="HttpPreludeDetection.Always"/>. The interval then also applies to the time before the first byte. A
    /// failure before the first byte is reported by <see cref="FailureWriter"/> and an incomplete response. Headers and
    /// cookies of an HTTP prelude are dropped; a status other than 200 or a <c>Content-Encoding</c> is a failure. In
    /// the two other cases, the headers wait for the function's response, so these failures keep their own status.
    /// </remarks>
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
    /// Whether a ProblemDetails response, or the event of a <see cref="FailureWriter"/>, contains the exception's type
    /// and message and the request id.
    /// </summary>
    /// <value>Default: <see langword="false"/>; the log always contains them.</value>
    /// <remarks>They reveal the function, the region and settings. Use this during development only.</remarks>
    public bool IncludeErrorDetails { get; set; }

    /// <summary>The time without data after which a comment is sent in a response with server-sent events.</summary>
    /// <value>
    /// Default: <see langword="null"/>, which means 15 seconds. With <see cref="Timeout.InfiniteTimeSpan"/>, comments
    /// are not sent.
    /// </value>
    /// <remarks>
    /// The comment is <c>: keep-alive</c>. It prevents proxies and load balancers from closing an idle connection. It
    /// is sent only between two events of a response with the content type <c>text/event-stream</c>, and never in a
    /// response with <c>Content-Encoding</c> or <c>Content-Length</c>. Before the first byte, it requires
    /// <see cref="ContentType"/>. The <see cref="TimeProvider"/> of the request's services measures the time.
    /// </remarks>
    public TimeSpan? KeepAliveInterval { get; set; }

    /// <summary>A delegate that reports a failure after the headers of the response were sent.</summary>
    /// <value>
    /// Default: <see langword="null"/>. Responses with the content type <c>text/event-stream</c> then use
    /// <see cref="LambdaStreamFailureWriters.ServerSentEvents"/>. If they have the header
    /// <c>x-vercel-ai-ui-message-stream: v1</c>, they use <see cref="LambdaStreamFailureWriters.AISdkUI"/>. Other
    /// responses use <see cref="LambdaStreamFailureWriters.None"/>.
    /// </value>
    /// <remarks>
    /// The response still ends as incomplete. In a response with server-sent events, an incomplete event is ended
    /// first; its type becomes <c>incomplete</c>. If it has an <c>id</c>, the delegate is not called,
    /// because ending the event would make clients store its id. Nor is it called for a response with
    /// <c>Content-Encoding</c> or <c>Content-Length</c>.
    /// </remarks>
    public LambdaStreamFailureWriter? FailureWriter { get; set; }

    internal virtual void Validate()
    {
        if (KeepAliveInterval is { } interval && !IsInterval(interval)) throw InvalidKeepAliveInterval();
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

    private static bool IsInterval(TimeSpan interval) =>
        interval == Timeout.InfiniteTimeSpan
        || (interval > TimeSpan.Zero && interval.TotalMilliseconds <= MaxTimerMilliseconds);

    private ArgumentException InvalidKeepAliveInterval() => new(
        $"{nameof(KeepAliveInterval)} is {KeepAliveInterval}. It must be positive and at most 49 days, or "
        + "Timeout.InfiniteTimeSpan.",
        nameof(KeepAliveInterval));

    private ArgumentException UndefinedHttpPrelude() =>
        new($"{nameof(HttpPrelude)} is {HttpPrelude}, which is not defined.", nameof(HttpPrelude));

    private static ArgumentException InvalidContentType() => new(
        $"{nameof(ContentType)} is empty or contains a character that is not allowed in an HTTP header.",
        nameof(ContentType));
}
