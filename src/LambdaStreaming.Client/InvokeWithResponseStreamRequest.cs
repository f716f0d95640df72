using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace LambdaStreaming;

/// <summary>Whether the function is run. The operation knows no asynchronous invocation.</summary>
public enum InvocationType
{
    /// <summary>Runs the function and streams its answer. The default.</summary>
    RequestResponse,

    /// <summary>Checks parameters and permission only. The answer is empty, with status 204.</summary>
    DryRun,
}

/// <summary>Whether the end of the function's log comes with the answer.</summary>
public enum LogType
{
    /// <summary>No log. The default.</summary>
    None,

    /// <summary>The last 4 KB, in <see cref="InvokeComplete.LogResult"/>.</summary>
    Tail,
}

/// <summary>One invocation: which function, and what it is given.</summary>
/// <remarks>Immutable and reusable. <see cref="ToString"/> shows neither payload nor client context.</remarks>
public sealed record InvokeWithResponseStreamRequest
{
    // Source: AWS Lambda API reference, InvokeWithResponseStream, URI request parameters: "Up to 3,583 bytes of base64-encoded data".
    internal const int MaxClientContextBytes = 3583;

    /// <summary>Makes a request without a payload.</summary>
    /// <param name="functionName">The function's name, partial ARN or ARN, each with or without <c>:qualifier</c>.</param>
    /// <exception cref="ArgumentException"><paramref name="functionName"/> is blank.</exception>
    public InvokeWithResponseStreamRequest(string functionName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(functionName);
        FunctionName = functionName;
    }

    /// <summary>The function's name, partial ARN or ARN, each with or without <c>:qualifier</c>.</summary>
    public string FunctionName { get; init; }

    /// <summary>What the function is given, as it is: almost always JSON. Not copied; leave it unchanged until the call has its answer.</summary>
    /// <value>At most 6 MB (the service's limit). Default: empty.</value>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The version or alias to run.</summary>
    /// <value>Default: what the name says, else <c>$LATEST</c>.</value>
    public string? Qualifier { get; init; }

    /// <summary>Whether the function is run.</summary>
    /// <value>Default: <see cref="InvocationType.RequestResponse"/>.</value>
    public InvocationType InvocationType { get => ExplicitInvocationType ?? InvocationType.RequestResponse; init => ExplicitInvocationType = value; }

    /// <summary>Whether the end of the function's log comes with the answer.</summary>
    /// <value>Default: <see cref="LogType.None"/>.</value>
    public LogType LogType { get => GivenLogType ?? LogType.None; init => GivenLogType = value; }

    /// <summary>What the function finds in its context object: base64 of a JSON document. <see cref="EncodeClientContext"/> makes it.</summary>
    /// <value>At most 3,583 bytes. Default: none.</value>
    public string? ClientContext { get; init; }

    /// <summary>The tenant, for functions with tenant isolation.</summary>
    public string? TenantId { get; init; }

    /// <summary>When and how often this request is sent again, in place of <see cref="LambdaStreamingClientOptions.Retry"/>.</summary>
    /// <value>Default: the client's. Ignored where the client has a <see cref="LambdaStreamingClientOptions.ResiliencePipeline"/>.</value>
    public LambdaRetryOptions? Retry { get; init; }

    /// <summary>How long to wait for the head of the answer, in place of the client's.</summary>
    /// <value>Default: the client's. <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</value>
    public TimeSpan? ResponseHeadersTimeout { get; init; }

    /// <summary>How long to wait for the next bytes of the answer, in place of the client's.</summary>
    /// <value>Default: the client's. <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</value>
    public TimeSpan? IdleTimeout { get; init; }

    // What was given is sent, also where it is the service's own default, as the AWS SDKs do.
    internal InvocationType? ExplicitInvocationType { get; private init; }

    internal LogType? GivenLogType { get; private init; }

    /// <summary>Makes a request whose payload is a value as JSON.</summary>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="payload">The value.</param>
    /// <param name="jsonTypeInfo">How the value becomes JSON, from a source-generated context.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The request.</returns>
    public static InvokeWithResponseStreamRequest Create<T>(string functionName, T payload, JsonTypeInfo<T> jsonTypeInfo)
    {
        ArgumentNullException.ThrowIfNull(jsonTypeInfo);
        return new(functionName) { Payload = JsonSerializer.SerializeToUtf8Bytes(payload, jsonTypeInfo) };
    }

    /// <summary>Makes a request whose payload is JSON text, sent as it is.</summary>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="json">The JSON text. Not checked: the service answers <c>InvalidRequestContentException</c> where it is none.</param>
    /// <returns>The request.</returns>
    public static InvokeWithResponseStreamRequest FromJson(string functionName, string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return new(functionName) { Payload = Encoding.UTF8.GetBytes(json) };
    }

    /// <summary>Makes the value of <see cref="ClientContext"/> from JSON text.</summary>
    /// <param name="json">A JSON object; its member <c>custom</c> is what most runtimes show to the function.</param>
    /// <returns>The text in base64.</returns>
    /// <exception cref="ArgumentException">The result would be over 3,583 bytes, which the service refuses.</exception>
    public static string EncodeClientContext(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(json));
        if (encoded.Length > MaxClientContextBytes) throw new ArgumentException($"The client context has {encoded.Length} bytes in base64; the service takes at most {MaxClientContextBytes}.", nameof(json));
        return encoded;
    }

    /// <summary>The function and the sizes of what it is given, never the data itself.</summary>
    /// <returns>One line, safe to log.</returns>
    public override string ToString() =>
        $"{nameof(InvokeWithResponseStreamRequest)} {{ FunctionName = {FunctionName}, Qualifier = {Qualifier}, InvocationType = {InvocationType}, LogType = {LogType}, Payload = {Payload.Length} bytes, ClientContext = {ClientContext?.Length ?? 0} bytes }}";

    // What can never be right, and nothing else: the rest is the service's to judge, which knows more of names than any client.
    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(FunctionName);
        // URL libraries fold such a segment away, and another path would be called.
        if (FunctionName is "." or "..") throw new ArgumentException($"'{FunctionName}' is no function's name.", nameof(FunctionName));
        RefuseControlCharacters(FunctionName, nameof(FunctionName));
        RefuseControlCharacters(Qualifier, nameof(Qualifier));
        RefuseControlCharacters(TenantId, nameof(TenantId));
        RefuseControlCharacters(ClientContext, nameof(ClientContext));
        RefuseNonAscii(TenantId, nameof(TenantId));
        RefuseNonAscii(ClientContext, nameof(ClientContext));
        if (ClientContext?.Length > MaxClientContextBytes) throw new ArgumentException($"The client context has {ClientContext.Length} bytes; the service takes at most {MaxClientContextBytes}.", nameof(ClientContext));
        if (InvocationType is not (InvocationType.RequestResponse or InvocationType.DryRun)) throw new ArgumentException($"{InvocationType} is no invocation type of this operation.", nameof(InvocationType));
        if (LogType is not (LogType.None or LogType.Tail)) throw new ArgumentException($"{LogType} is no log type.", nameof(LogType));
        LambdaStreamingClientOptions.RequireTimeout(ResponseHeadersTimeout, nameof(ResponseHeadersTimeout));
        LambdaStreamingClientOptions.RequireTimeout(IdleTimeout, nameof(IdleTimeout));
        Retry?.Validate();
    }

    private static void RefuseControlCharacters(string? value, string member)
    {
        if (value is not null && value.AsSpan().IndexOfAnyInRange('\0', '\u001f') is >= 0 and var at) throw new ArgumentException($"{member} holds a control character (U+{(int)value[at]:X4}) at index {at}; it would break the HTTP head.", member);
        if (value is not null && value.IndexOf('\u007f', StringComparison.Ordinal) is >= 0 and var delete) throw new ArgumentException($"{member} holds a control character (U+007F) at index {delete}; it would break the HTTP head.", member);
    }

    private static void RefuseNonAscii(string? value, string member)
    {
        if (value is not null && value.AsSpan().IndexOfAnyExceptInRange('\0', '\u007f') is >= 0 and var at) throw new ArgumentException($"{member} holds a character outside ASCII (U+{(int)value[at]:X4}) at index {at}; an HTTP header can't carry it.", member);
    }
}
