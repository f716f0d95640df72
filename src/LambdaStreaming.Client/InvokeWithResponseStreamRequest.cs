using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.Errors;

namespace LambdaStreaming;

/// <summary>Specifies whether the function runs, or only parameters and permissions are checked.</summary>
/// <remarks>Response streaming does not support asynchronous invocation.</remarks>
public enum InvocationType
{
    /// <summary>Runs the function and streams its response (default).</summary>
    RequestResponse,

    /// <summary>Checks parameters and permissions only.</summary>
    /// <remarks>The function does not run. The response is empty; its status is 204.</remarks>
    DryRun,
}

/// <summary>Specifies whether the response includes the end of the function's log.</summary>
public enum LogType
{
    /// <summary>No log (default).</summary>
    None,

    /// <summary>The last 4 KB of the log, in <see cref="InvokeComplete.LogResult"/>.</summary>
    Tail,
}

/// <summary>A request to invoke a function.</summary>
/// <remarks>Immutable and reusable. <see cref="ToString"/> shows neither the payload nor the client context.</remarks>
public sealed record InvokeWithResponseStreamRequest
{
    // Source: AWS Lambda API reference, InvokeWithResponseStream, URI request parameters: "Up to 3,583 bytes of
    // base64-encoded data".
    internal const int MaxClientContextBytes = 3583;

    private const int MaxNameLength = 2048;

    /// <summary>Initializes a new instance without a payload.</summary>
    /// <param name="functionName">
    /// The function's name, partial ARN or ARN, each with or without <c>:qualifier</c>.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="functionName"/> is blank.</exception>
    public InvokeWithResponseStreamRequest(string functionName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(functionName);
        FunctionName = functionName;
    }

    /// <summary>The function's name, partial ARN or ARN, each with or without <c>:qualifier</c>.</summary>
    public string FunctionName { get; init; }

    /// <summary>The payload, which is JSON for almost all functions.</summary>
    /// <value>At most 6 MB (limit of the service). Default: empty.</value>
    /// <remarks>
    /// The payload is sent unchanged and is not copied. Do not change it until
    /// <see cref="ILambdaStreamingClient.InvokeWithResponseStreamAsync"/> has returned or thrown. A handler of a custom
    /// <see cref="System.Net.Http.HttpClient"/> that ignores its cancellation token can read the payload after that.
    /// </remarks>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The version or alias to invoke.</summary>
    /// <value>Default: the qualifier in <see cref="FunctionName"/>, or <c>$LATEST</c>.</value>
    public string? Qualifier { get; init; }

    /// <summary>Whether the function runs, or only parameters and permissions are checked.</summary>
    /// <value>Default: <see cref="InvocationType.RequestResponse"/>.</value>
    public InvocationType InvocationType
    {
        get => ExplicitInvocationType ?? InvocationType.RequestResponse;
        init => ExplicitInvocationType = value;
    }

    /// <summary>Whether the response includes the end of the function's log.</summary>
    /// <value>Default: <see cref="LogType.None"/>.</value>
    public LogType LogType
    {
        get => ExplicitLogType ?? LogType.None;
        init => ExplicitLogType = value;
    }

    /// <summary>The client context for the function's context object: a JSON document, encoded as base64.</summary>
    /// <value>At most 3,583 bytes. Default: <see langword="null"/>.</value>
    /// <remarks><see cref="EncodeClientContext"/> creates the value.</remarks>
    public string? ClientContext { get; init; }

    /// <summary>The tenant, for functions with tenant isolation.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public string? TenantId { get; init; }

    /// <summary>
    /// Retry options for this request; overrides <see cref="LambdaStreamingClientOptions.Retry"/>.
    /// </summary>
    /// <value>
    /// Default: <see langword="null"/>, which uses the client's options. Ignored if the client uses a custom
    /// <see cref="LambdaStreamingClientOptions.ResiliencePipeline"/>.
    /// </value>
    public LambdaRetryOptions? Retry { get; init; }

    /// <summary>
    /// Maximum time to wait for the response headers of each attempt; overrides
    /// <see cref="LambdaStreamingClientOptions.ResponseHeadersTimeout"/>.
    /// </summary>
    /// <value>
    /// More than zero, and at most 49 days. Default: <see langword="null"/>, which uses the client's value.
    /// <see cref="Timeout.InfiniteTimeSpan"/> disables the limit.
    /// </value>
    public TimeSpan? ResponseHeadersTimeout { get; init; }

    /// <summary>
    /// Maximum time to wait for the next bytes of the response; overrides
    /// <see cref="LambdaStreamingClientOptions.IdleTimeout"/>.
    /// </summary>
    /// <value>
    /// More than zero, and at most 49 days. Default: <see langword="null"/>, which uses the client's value.
    /// <see cref="Timeout.InfiniteTimeSpan"/> disables the limit.
    /// </value>
    public TimeSpan? IdleTimeout { get; init; }

    // Explicit values are sent even if they are the service's defaults, as the AWS SDKs do.
    internal InvocationType? ExplicitInvocationType { get; private init; }

    internal LogType? ExplicitLogType { get; private init; }

    /// <summary>Creates a request with a value that is serialized to JSON.</summary>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="payload">The value.</param>
    /// <param name="jsonTypeInfo">The JSON metadata of the type, from a source-generated context.</param>
    /// <typeparam name="T">The type of the value.</typeparam>
    /// <returns>The request.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="functionName"/> is blank, or <paramref name="jsonTypeInfo"/> is null.
    /// </exception>
    public static InvokeWithResponseStreamRequest Create<T>(
        string functionName,
        T payload,
        JsonTypeInfo<T> jsonTypeInfo)
    {
        ArgumentNullException.ThrowIfNull(jsonTypeInfo);
        return new(functionName) { Payload = JsonSerializer.SerializeToUtf8Bytes(payload, jsonTypeInfo) };
    }

    /// <summary>Creates a request with JSON text that is sent unchanged.</summary>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">
    /// The JSON text. It is not checked: the service rejects invalid JSON with
    /// <see cref="InvalidRequestContentException"/>.
    /// </param>
    /// <returns>The request.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="functionName"/> is blank, or <paramref name="json"/> is null.
    /// </exception>
    public static InvokeWithResponseStreamRequest FromJson(string functionName, string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return new(functionName) { Payload = Encoding.UTF8.GetBytes(json) };
    }

    /// <summary>Encodes JSON text as a value of <see cref="ClientContext"/>.</summary>
    /// <param name="json">A JSON object. Most runtimes pass its member <c>custom</c> to the function.</param>
    /// <returns>The text, encoded as base64.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="json"/> is null, or the result would exceed the service's limit of 3,583 bytes.
    /// </exception>
    public static string EncodeClientContext(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(json));
        return encoded.Length <= MaxClientContextBytes
            ? encoded
            : throw CreateTooLongException(encoded.Length, nameof(json));
    }

    /// <summary>Returns the function and the sizes of payload and client context, without their content.</summary>
    /// <returns>One line, which is safe to log.</returns>
    public override string ToString() =>
        $"{nameof(InvokeWithResponseStreamRequest)} {{ FunctionName = {Redactor.None.Name(FunctionName)}, "
        + $"Qualifier = {Redactor.None.Name(Qualifier)}, InvocationType = {InvocationType}, "
        + $"LogType = {LogType}, Payload = {Payload.Length} bytes, "
        + $"ClientContext = {ClientContext?.Length ?? 0} bytes }}";

    // Rejects only values that can never be valid. The service validates everything else, because only the service
    // knows all rules for names.
    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(FunctionName);
        // URL libraries remove the path segments "." and "..", so that a different path would be called.
        if (FunctionName is "." or "..")
            throw new ArgumentException($"'{FunctionName}' is not a function name.", nameof(FunctionName));
        RejectLongNames(FunctionName, nameof(FunctionName));
        RejectLongNames(Qualifier, nameof(Qualifier));
        RejectHiddenCharacters(FunctionName, nameof(FunctionName));
        RejectHiddenCharacters(Qualifier, nameof(Qualifier));
        RejectInvalidHeader(TenantId, nameof(TenantId));
        RejectInvalidHeader(ClientContext, nameof(ClientContext));
        if (ClientContext?.Length > MaxClientContextBytes)
            throw CreateTooLongException(ClientContext.Length, nameof(ClientContext));
        if (InvocationType is not (InvocationType.RequestResponse or InvocationType.DryRun))
            throw new ArgumentException($"{InvocationType} is not an invocation type.", nameof(InvocationType));
        if (LogType is not (LogType.None or LogType.Tail))
            throw new ArgumentException($"{LogType} is not a log type.", nameof(LogType));
        LambdaStreamingClientOptions.RequireTimeout(ResponseHeadersTimeout, nameof(ResponseHeadersTimeout));
        LambdaStreamingClientOptions.RequireTimeout(IdleTimeout, nameof(IdleTimeout));
        Retry?.Validate();
    }

    // The service's limits are lower. Without this one, .NET 8 throws an exception that does not name the member.
    private static void RejectLongNames(string? value, string member)
    {
        if (value?.Length > MaxNameLength)
            throw new ArgumentException($"{member} has {value.Length} characters. The maximum is 2,048.", member);
    }

    // Messages and logs contain the names as they are.
    private static void RejectHiddenCharacters(string? value, string member)
    {
        if (value is null) return;
        var index = 0;
        foreach (var rune in value.EnumerateRunes())
        {
            if (!PrintableText.IsPrintable(rune))
            {
                throw new ArgumentException(
                    $"{member} contains a control or format character (U+{rune.Value:X4}) at index {index}.", member);
            }

            index += rune.Utf16SequenceLength;
        }
    }

    private static void RejectInvalidHeader(string? value, string member)
    {
        if (value is null) return;
        var index = value.AsSpan().IndexOfAnyExceptInRange(' ', '~');
        if (index < 0) return;
        throw new ArgumentException(
            $"{member} contains U+{(int)value[index]:X4} at index {index}. An HTTP header can contain only printable "
            + "ASCII characters.",
            member);
    }

    private static ArgumentException CreateTooLongException(int length, string member) => new(
        $"The client context has {length} bytes in base64. The service accepts at most {MaxClientContextBytes} bytes.",
        member);
}
