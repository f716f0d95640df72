using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Errors;
using Microsoft.Extensions.Logging;
using Polly;

namespace LambdaStreaming;

/// <summary>Options for a <see cref="LambdaStreamingClient"/>.</summary>
/// <remarks>
/// Some options that are not set, such as the region, are read from the environment and the AWS profile, as in the AWS
/// SDKs. The constructor of the client validates and copies the options; later changes have no effect.
/// </remarks>
public sealed class LambdaStreamingClientOptions
{
    // Source: conformance/eventstream, "Limits in official implementations": aws-c-event-stream and botocore accept
    // 24 MiB.
    internal const int DefaultMaxMessageBytes = 25_165_824;

    // Longest period of .NET's timers: 2^32 - 2 ms.
    private const uint MaxTimeoutMilliseconds = uint.MaxValue - 1;

    private bool? _useFipsEndpoint;
    private bool? _useDualStackEndpoint;

    /// <summary>Name of the profile in the AWS config and credentials files.</summary>
    /// <value>
    /// Default: <c>AWSConfigs.AWSProfileName</c>, otherwise <c>AWS_PROFILE</c>, otherwise <c>default</c>. If the files
    /// do not contain a profile with the name in this option, each call fails.
    /// </value>
    /// <remarks>
    /// The profile provides the settings, such as region and credentials, that neither these options nor the
    /// environment specify. If this option is set, the profile's credentials take precedence over credentials in the
    /// environment.
    /// </remarks>
    public string? Profile { get; set; }

    /// <summary>AWS region that is called, and for which requests are signed.</summary>
    /// <value>
    /// Default: the first of these that is set: <c>AWSConfigs.AWSRegion</c>, <c>AWS_REGION</c>, <c>region</c> of the
    /// profile, <c>AWS_DEFAULT_REGION</c>, the region in the metadata of the EC2 instance.
    /// </value>
    public RegionEndpoint? Region { get; set; }

    /// <summary>
    /// Address to which requests are sent, for example that of an interface endpoint or a local server.
    /// </summary>
    /// <value>
    /// An http or https address, with or without a port and a path prefix. Default: <c>AWS_ENDPOINT_URL_LAMBDA</c>,
    /// <c>AWS_ENDPOINT_URL</c> or <c>endpoint_url</c> of the profile, otherwise the AWS endpoint of the region.
    /// </value>
    /// <remarks>
    /// <c>AWS_IGNORE_CONFIGURED_ENDPOINT_URLS</c> disables the addresses of environment and profile, but not this
    /// option.
    /// </remarks>
    public Uri? ServiceUrl { get; set; }

    /// <summary>Whether the FIPS 140 endpoint of the region is used.</summary>
    /// <value>
    /// Default: <c>AWS_USE_FIPS_ENDPOINT</c> or <c>use_fips_endpoint</c> of the profile, otherwise
    /// <see langword="false"/>. Cannot be combined with <see cref="ServiceUrl"/>.
    /// </value>
    public bool UseFipsEndpoint { get => _useFipsEndpoint ?? false; set => _useFipsEndpoint = value; }

    /// <summary>Whether the endpoint with IPv4 and IPv6 addresses is used.</summary>
    /// <value>
    /// Default: <c>AWS_USE_DUALSTACK_ENDPOINT</c> or <c>use_dualstack_endpoint</c> of the profile, otherwise
    /// <see langword="false"/>. Cannot be combined with <see cref="ServiceUrl"/>.
    /// </value>
    public bool UseDualStackEndpoint { get => _useDualStackEndpoint ?? false; set => _useDualStackEndpoint = value; }

    /// <summary>Credentials that sign the requests.</summary>
    /// <value>Default: the chain of AWSSDK.Core: environment, profile, container, instance.</value>
    /// <remarks>
    /// The credentials are resolved again for every attempt, so that rotated credentials are used at once.
    /// </remarks>
    public AWSCredentials? Credentials { get; set; }

    /// <summary>Maximum time to open a connection, including name resolution and the TLS handshake.</summary>
    /// <value>
    /// More than zero, and at most 49 days. Default: 5 s. <see cref="Timeout.InfiniteTimeSpan"/> disables the limit.
    /// With a custom <see cref="HttpClient"/>, used only by <see cref="LambdaStreamingClient.CreateHandler"/>.
    /// </value>
    /// <remarks>
    /// <see cref="TimeProvider"/> does not affect this timeout: <see cref="SocketsHttpHandler"/> measures it with the
    /// system clock.
    /// </remarks>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Maximum time to wait for the credentials of an attempt, from any source.</summary>
    /// <value>
    /// More than zero, and at most 49 days. Default: 60 s. <see cref="Timeout.InfiniteTimeSpan"/> disables the limit.
    /// </value>
    public TimeSpan CredentialsTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Maximum time to wait for the response headers of each attempt.</summary>
    /// <value>
    /// More than zero, and at most 49 days. Default: 16 min, because a function can run for 15 min before its first
    /// byte. <see cref="Timeout.InfiniteTimeSpan"/> disables the limit.
    /// </value>
    /// <remarks>
    /// The time includes the wait for a free connection. To limit the complete call, cancel its token.
    /// </remarks>
    public TimeSpan ResponseHeadersTimeout { get; set; } = TimeSpan.FromMinutes(16);

    /// <summary>Maximum time to wait for the next bytes of the response.</summary>
    /// <value>
    /// More than zero, and at most 49 days. Default: 16 min, because a function can be idle for 15 min.
    /// <see cref="Timeout.InfiniteTimeSpan"/> disables the limit.
    /// </value>
    /// <remarks>
    /// Only the time during which the consumer waits for bytes is counted. If a handler of a custom
    /// <see cref="HttpClient"/> has replaced the response's content, this is also the maximum time to open it.
    /// </remarks>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(16);

    /// <summary>Maximum size of an event-stream message, in bytes.</summary>
    /// <value>1 KiB to 2,147,483,591. Default: 25,165,824 (24 MiB).</value>
    /// <remarks>
    /// A message is buffered completely before its checksum can be verified, so this also limits the memory per
    /// response.
    /// </remarks>
    public int MaxMessageBytes { get; set; } = DefaultMaxMessageBytes;

    /// <summary>Retry options.</summary>
    /// <value>Default: the defaults of <see cref="LambdaRetryOptions"/>.</value>
    /// <remarks><see cref="InvokeWithResponseStreamRequest.Retry"/> of a request replaces them.</remarks>
    public LambdaRetryOptions Retry { get; set; } = new();

    /// <summary>Polly pipeline that replaces the built-in retries completely.</summary>
    /// <value>Default: <see langword="null"/>, which uses the built-in retries with <see cref="Retry"/>.</value>
    /// <remarks>
    /// The pipeline receives the exceptions of this library. Use <see cref="LambdaResilience.AddLambdaRetry"/> in it:
    /// with its default policy, it retries only if the function cannot run twice.
    /// </remarks>
    public ResiliencePipeline? ResiliencePipeline { get; set; }

    /// <summary>
    /// Whether the enumeration of events throws <see cref="FunctionErrorException"/> if the function failed.
    /// </summary>
    /// <value>
    /// Default: <see langword="true"/>. If <see langword="false"/>, the enumeration returns the
    /// <see cref="InvokeComplete"/> event with the error and ends normally. All other readers always throw.
    /// </value>
    public bool ThrowOnFunctionError { get; set; } = true;

    /// <summary>
    /// Whether the messages of <see cref="FunctionErrorException"/> contain the function's own error message.
    /// </summary>
    /// <value>
    /// Default: <see langword="false"/>, because that text can contain data of users, and messages end up in logs.
    /// <see cref="FunctionErrorException.FunctionErrorMessage"/> has it in any case.
    /// </value>
    /// <remarks>
    /// If this option is set, the message contains the first line of the function's text. The text can quote the
    /// payload or other secrets of the call: these quotations are replaced. If the payload has more than 1,024 bytes,
    /// the line instead ends where a quotation of it begins. The line has at most 1,000 characters.
    /// </remarks>
    public bool IncludeFunctionErrorDetails { get; set; }

    /// <summary>Clock for signatures, delays and timeouts, except <see cref="ConnectTimeout"/>.</summary>
    /// <value>Default: <see cref="TimeProvider.System"/>.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Destination of log messages, which contain neither payloads nor secrets.</summary>
    /// <value>Default: <see langword="null"/>, which disables logging.</value>
    /// <remarks>
    /// Exceptions of its logger do not change the outcome of a call. This does not include the log messages of
    /// <c>IHttpClientFactory</c>, which a client from a container also has.
    /// </remarks>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>
    /// Callback that changes the connection handler, for example its proxy, certificates or pool sizes.
    /// </summary>
    /// <value>
    /// Default: <see langword="null"/>. With a custom <see cref="HttpClient"/>, used only by
    /// <see cref="LambdaStreamingClient.CreateHandler"/>.
    /// </value>
    /// <remarks>
    /// The callback is called after the library has configured the handler. If it replaces streams, their disposal must
    /// not block: a cancelled or idle read of the response waits for it.
    /// </remarks>
    public Action<SocketsHttpHandler>? ConfigureHandler { get; set; }

    /// <summary>Trace headers that are added to each request, without being signed.</summary>
    /// <value>
    /// Default: <see cref="TraceHeaders.Lambda"/>. The members of the type describe which headers reach the function.
    /// </value>
    public TraceHeaders TraceHeaders { get; set; } = TraceHeaders.Lambda;

    internal bool? ExplicitUseFipsEndpoint => _useFipsEndpoint;

    internal bool? ExplicitUseDualStackEndpoint => _useDualStackEndpoint;

    /// <summary>Validates the options, as the constructor of the client does.</summary>
    /// <exception cref="ArgumentException">An option is not valid. The message names the option.</exception>
    public void Validate() => ValidatedCopy();

    internal LambdaStreamingClientOptions ValidatedCopy()
    {
        RequireTimeout(ConnectTimeout, nameof(ConnectTimeout));
        RequireTimeout(CredentialsTimeout, nameof(CredentialsTimeout));
        RequireTimeout(ResponseHeadersTimeout, nameof(ResponseHeadersTimeout));
        RequireTimeout(IdleTimeout, nameof(IdleTimeout));
        if (MaxMessageBytes is < 1024 or > 2_147_483_591)
            throw InvalidMaxMessageBytes(MaxMessageBytes);
        if (Retry is null)
            throw Invalid(nameof(Retry), "must not be null. To disable retries, set Retry.Policy to Never.");
        if (TimeProvider is null)
            throw Invalid(nameof(TimeProvider), "must not be null.");
        if (Profile is not null && string.IsNullOrWhiteSpace(Profile))
            throw Invalid(nameof(Profile), "must not be blank. Use null for AWS_PROFILE or the default profile.");
        ValidateServiceUrl();
        if ((TraceHeaders & ~(TraceHeaders.Lambda | TraceHeaders.XRay | TraceHeaders.W3C)) != TraceHeaders.None)
            throw Invalid(nameof(TraceHeaders), $"is {(int)TraceHeaders}, which is not a combination of its values.");
        Retry.Validate();

        var copy = (LambdaStreamingClientOptions)MemberwiseClone();
        copy.Retry = Retry.Copy();
        return copy;
    }

    /// <summary>Determines whether an address is an http or https URL to which a path can be appended.</summary>
    internal static bool IsServiceUrl(Uri url) =>
        url.IsAbsoluteUri
        && url.Scheme is ("http" or "https")
        && url.Host.Length > 0
        && url.Query.Length == 0
        && url.Fragment.Length == 0
        && url.UserInfo.Length == 0;

    internal static void RequireTimeout(TimeSpan? value, string option)
    {
        if (value is not { } timeout || timeout == Timeout.InfiniteTimeSpan) return;
        if (timeout <= TimeSpan.Zero || timeout.TotalMilliseconds > MaxTimeoutMilliseconds)
            throw InvalidTimeout(option, timeout);
    }

    private void ValidateServiceUrl()
    {
        if (ServiceUrl is null) return;
        if (!IsServiceUrl(ServiceUrl)) throw InvalidServiceUrl();
        if (UseFipsEndpoint) throw NotWithServiceUrl(nameof(UseFipsEndpoint), "a FIPS");
        if (UseDualStackEndpoint) throw NotWithServiceUrl(nameof(UseDualStackEndpoint), "a dual-stack");
    }

    private static ArgumentException InvalidMaxMessageBytes(int value) => Invalid(
        nameof(MaxMessageBytes),
        $"is {value}. It must be from 1,024 to 2,147,483,591 bytes.");

    private static ArgumentException InvalidTimeout(string option, TimeSpan value) => Invalid(
        option,
        $"is {ExceptionMessages.FormatDuration(value)}. It must be positive and at most 49 days, or "
        + "Timeout.InfiniteTimeSpan.");

    private static ArgumentException InvalidServiceUrl() => Invalid(
        nameof(ServiceUrl),
        "must be an absolute http or https address without user, query or fragment, such as https://host:port/prefix.");

    private static ArgumentException NotWithServiceUrl(string option, string kind) => Invalid(
        option,
        $"cannot be combined with {nameof(ServiceUrl)}. Set {nameof(ServiceUrl)} to {kind} endpoint instead.");

    private static ArgumentException Invalid(string option, string text) => new($"{option} {text}", option);
}
