using Amazon;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Polly;

namespace LambdaStreaming;

/// <summary>How a <see cref="LambdaStreamingClient"/> finds the service and behaves. What is left out comes from the environment and the AWS profile, as in every AWS SDK.</summary>
/// <remarks>Read and checked once, by the client's constructor; later changes have no effect.</remarks>
public sealed class LambdaStreamingClientOptions
{
    // Source: conformance/eventstream, "Limits in official implementations": aws-c-event-stream and botocore take 24 MiB.
    internal const int DefaultMaxMessageBytes = 25_165_824;

    private bool? _useFipsEndpoint;
    private bool? _useDualStackEndpoint;

    /// <summary>The profile of the AWS config and credentials files that region, credentials and the other settings are taken from where neither these options nor the environment give them. Its credentials come before the environment's.</summary>
    /// <value>Default: <c>AWS_PROFILE</c>, else <c>default</c>. A name that is in neither file is an error of the first call.</value>
    public string? Profile { get; set; }

    /// <summary>The region whose service is called and for which requests are signed.</summary>
    /// <value>Default: <c>AWS_REGION</c>, the profile's <c>region</c>, <c>AWS_DEFAULT_REGION</c>, or what the instance's metadata says.</value>
    public RegionEndpoint? Region { get; set; }

    /// <summary>The endpoint to call in place of AWS's own, e.g. an interface endpoint or a local server. May have a port and a path prefix, and may be plain http.</summary>
    /// <value>Default: <c>AWS_ENDPOINT_URL_LAMBDA</c>, <c>AWS_ENDPOINT_URL</c>, or the profile's, else AWS's own endpoint of the region. <c>AWS_IGNORE_CONFIGURED_ENDPOINT_URLS</c> passes over all but this one.</value>
    public Uri? ServiceUrl { get; set; }

    /// <summary>Whether the FIPS 140 endpoint of the region is called.</summary>
    /// <value>Default: <c>AWS_USE_FIPS_ENDPOINT</c> or the profile's <c>use_fips_endpoint</c>, else <see langword="false"/>. Can't be combined with <see cref="ServiceUrl"/>.</value>
    public bool UseFipsEndpoint { get => _useFipsEndpoint ?? false; set => _useFipsEndpoint = value; }

    /// <summary>Whether the endpoint that has IPv4 and IPv6 addresses is called.</summary>
    /// <value>Default: <c>AWS_USE_DUALSTACK_ENDPOINT</c> or the profile's <c>use_dualstack_endpoint</c>, else <see langword="false"/>. Can't be combined with <see cref="ServiceUrl"/>.</value>
    public bool UseDualStackEndpoint { get => _useDualStackEndpoint ?? false; set => _useDualStackEndpoint = value; }

    /// <summary>The credentials that sign requests. Asked on every attempt, so that those which rotate are always fresh.</summary>
    /// <value>Default: AWSSDK.Core's own chain: environment, profile, container, instance.</value>
    public AWSCredentials? Credentials { get; set; }

    /// <summary>How long making a connection may take, name resolution and TLS handshake included. The platform's handler measures it, by the system's clock.</summary>
    /// <value>Default: 5 s. <see cref="Timeout.InfiniteTimeSpan"/> waits for ever. Ignored with a caller's own <see cref="HttpClient"/>.</value>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Maximum time to wait for the credentials of an attempt, whatever they come from.</summary>
    /// <value>Default: 60 s. <see cref="Timeout.InfiniteTimeSpan"/> waits without a limit.</value>
    public TimeSpan CredentialsTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the head of the answer may take, from the moment that the request is handed to the connection pool.</summary>
    /// <value>Default: 16 minutes: a function may run for 15 before its first byte. <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</value>
    public TimeSpan ResponseHeadersTimeout { get; set; } = TimeSpan.FromMinutes(16);

    /// <summary>How long the next bytes of the answer may take. Only the time spent waiting for them counts, never the consumer's own.</summary>
    /// <value>Default: 16 minutes: a function may be silent for 15. <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</value>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(16);

    /// <summary>The largest message that is believed, in bytes. A message must be buffered whole before its checksum can be known, so this bounds the memory of one answer.</summary>
    /// <value>1 KiB to 2,147,483,591. Default: 25,165,824 (24 MiB).</value>
    public int MaxMessageBytes { get; set; } = DefaultMaxMessageBytes;

    /// <summary>When and how often a request is sent again.</summary>
    public LambdaRetryOptions Retry { get; set; } = new();

    /// <summary>Replaces the built-in resends as a whole. It sees this library's exceptions; <see cref="LambdaResilience"/> keeps the rule that no function is run twice unasked.</summary>
    /// <value>Default: none; <see cref="Retry"/> holds.</value>
    public ResiliencePipeline? ResiliencePipeline { get; set; }

    /// <summary>Whether the enumeration of events throws where the function failed. All other readers always do.</summary>
    /// <value>Default: <see langword="true"/>. <see langword="false"/> gives the <see cref="InvokeComplete"/> with its error code as the last event instead.</value>
    public bool ThrowOnFunctionError { get; set; } = true;

    /// <summary>The clock of signatures, delays and timeouts, but for <see cref="ConnectTimeout"/>.</summary>
    /// <value>Default: <see cref="TimeProvider.System"/>.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Where log messages go. No message holds a payload or a secret.</summary>
    /// <value>Default: nowhere.</value>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>Changes the connection handler after this library has set it up: proxy, certificates, pool sizes.</summary>
    /// <value>Default: none. Ignored with a caller's own <see cref="HttpClient"/>.</value>
    public Action<SocketsHttpHandler>? ConfigureHandler { get; set; }

    /// <summary>Which headers of a trace go with a request. None of them is signed.</summary>
    /// <value>Default: <see cref="TraceHeaders.Lambda"/>. What reaches the function: <c>docs/observability.md</c>.</value>
    public TraceHeaders TraceHeaders { get; set; } = TraceHeaders.Lambda;

    /// <summary>Checks what the client's constructor would check.</summary>
    /// <exception cref="ArgumentException">An option can't be right; the message names it.</exception>
    public void Validate() => ValidatedCopy();

    internal bool? ExplicitUseFipsEndpoint => _useFipsEndpoint;

    internal bool? ExplicitUseDualStackEndpoint => _useDualStackEndpoint;

    internal LambdaStreamingClientOptions ValidatedCopy()
    {
        RequireTimeout(ConnectTimeout, nameof(ConnectTimeout));
        RequireTimeout(CredentialsTimeout, nameof(CredentialsTimeout));
        RequireTimeout(ResponseHeadersTimeout, nameof(ResponseHeadersTimeout));
        RequireTimeout(IdleTimeout, nameof(IdleTimeout));
        if (MaxMessageBytes is < 1024 or > 2_147_483_591) throw new ArgumentException($"{nameof(MaxMessageBytes)} is {MaxMessageBytes}; it must be between 1,024 and 2,147,483,591 bytes.", nameof(MaxMessageBytes));
        if (Retry is null) throw new ArgumentException($"{nameof(Retry)} must not be null; for no resends set Retry.Policy to {nameof(LambdaRetryPolicy.Never)}.", nameof(Retry));
        if (TimeProvider is null) throw new ArgumentException($"{nameof(TimeProvider)} must not be null.", nameof(TimeProvider));
        if (Profile is not null && string.IsNullOrWhiteSpace(Profile)) throw new ArgumentException($"{nameof(Profile)} is blank; leave it null for AWS_PROFILE or the default profile.", nameof(Profile));
        if (ServiceUrl is { } url && !IsServiceUrl(url))
            throw new ArgumentException($"{nameof(ServiceUrl)} must be an absolute http or https address without user, query or fragment, like https://host:port/prefix.", nameof(ServiceUrl));
        if (ServiceUrl is not null && UseFipsEndpoint) throw new ArgumentException($"{nameof(UseFipsEndpoint)} can't be combined with {nameof(ServiceUrl)}: give the address of a FIPS endpoint as {nameof(ServiceUrl)} instead.", nameof(UseFipsEndpoint));
        if (ServiceUrl is not null && UseDualStackEndpoint) throw new ArgumentException($"{nameof(UseDualStackEndpoint)} can't be combined with {nameof(ServiceUrl)}: give the address of a dual-stack endpoint as {nameof(ServiceUrl)} instead.", nameof(UseDualStackEndpoint));
        if ((TraceHeaders & ~(TraceHeaders.Lambda | TraceHeaders.XRay | TraceHeaders.W3C)) != TraceHeaders.None) throw new ArgumentException($"{nameof(TraceHeaders)} is {(int)TraceHeaders}, which is no combination of its values.", nameof(TraceHeaders));
        Retry.Validate();

        var copy = (LambdaStreamingClientOptions)MemberwiseClone();
        copy.Retry = Retry.Copy();
        return copy;
    }

    // What a path can be appended to.
    internal static bool IsServiceUrl(Uri url) =>
        url.IsAbsoluteUri && url.Scheme is ("http" or "https") && url.Host.Length > 0 && url.Query.Length == 0 && url.Fragment.Length == 0 && url.UserInfo.Length == 0;

    // The longest that the platform's timers take is 2^32 - 2 ms.
    internal static void RequireTimeout(TimeSpan? value, string member)
    {
        if (value is { } timeout && timeout != Timeout.InfiniteTimeSpan && (timeout <= TimeSpan.Zero || timeout.TotalMilliseconds > uint.MaxValue - 1))
            throw new ArgumentException($"{member} is {timeout}; it must be above zero and at most 49 days, or Timeout.InfiniteTimeSpan.", member);
    }
}
