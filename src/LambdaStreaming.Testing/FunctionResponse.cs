using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Testing;

/// <summary>The response of a function of the local server.</summary>
/// <remarks>
/// Write from one thread at a time. With <see cref="LambdaOperation.InvokeWithResponseStream"/>, each write is one
/// <c>PayloadChunk</c> and is sent immediately. When the function's task ends, the server writes
/// <c>InvokeComplete</c>. With <see cref="LambdaOperation.Invoke"/>, the server sends all chunks as one body when the
/// function's task ends. It discards them for the invocation type <c>Event</c>.
/// </remarks>
public sealed class FunctionResponse
{
    // Source: Lambda developer guide, response streaming: JSON, then eight NUL bytes, then the body.
    private static readonly byte[] PreludeDelimiter = new byte[8];

    // Source: WHATWG HTML, "Parsing an event stream".
    private static readonly string[] LineEnds = ["\r\n", "\r", "\n"];

    private readonly FunctionOutput _output;

    internal FunctionResponse(FunctionOutput output) => _output = output;

    /// <summary>The content type that the function gives its response. Set it before the first write.</summary>
    /// <value>Default: <c>application/octet-stream</c>.</value>
    /// <remarks>
    /// The client receives it only if <see cref="LocalLambdaServerOptions.SendFunctionContentType"/> is set, and only
    /// with <see cref="LambdaOperation.InvokeWithResponseStream"/>.
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// The value is blank or contains a character that is not printable ASCII.
    /// </exception>
    /// <exception cref="InvalidOperationException">The response has started.</exception>
    public string ContentType
    {
        get => _output.ContentType;
        set => _output.ContentType = value;
    }

    /// <summary>Sends the response headers before the first chunk.</summary>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="InvalidOperationException"><see cref="Fail"/> was called before.</exception>
    public Task StartAsync(CancellationToken cancellationToken = default) => _output.StartAsync(cancellationToken);

    /// <summary>Sends one chunk.</summary>
    /// <param name="payload">The bytes. An empty payload is sent as an empty chunk.</param>
    /// <param name="cancellationToken">Cancels the wait. The client still receives a chunk that is being sent.</param>
    /// <exception cref="InvalidOperationException"><see cref="Fail"/> was called before.</exception>
    /// <exception cref="OperationCanceledException">
    /// The client disconnected, the function timed out, or the server is being disposed. Also if the size limit or an
    /// injected fault has ended the response.
    /// </exception>
    public Task WriteAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default) =>
        _output.WriteChunkAsync(payload, cancellationToken);

    /// <summary>Sends a text as one chunk, in UTF-8.</summary>
    /// <param name="text">The text.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task WriteTextAsync(string text, CancellationToken cancellationToken = default) =>
        WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);

    /// <summary>Sends a value as one chunk, in JSON.</summary>
    /// <param name="value">The value.</param>
    /// <param name="jsonTypeInfo">The source-generated metadata of <typeparamref name="T"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task WriteJsonAsync<T>(
        T value, JsonTypeInfo<T> jsonTypeInfo, CancellationToken cancellationToken = default) =>
        WriteAsync(JsonSerializer.SerializeToUtf8Bytes(value, jsonTypeInfo), cancellationToken);

    /// <summary>Sends a server-sent event as one chunk.</summary>
    /// <param name="data">The data. Each line of it becomes a <c>data:</c> line.</param>
    /// <param name="eventType">The <c>event:</c> line, or <see langword="null"/> to omit it.</param>
    /// <param name="eventId">The <c>id:</c> line, or <see langword="null"/> to omit it.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="ArgumentException">
    /// <paramref name="eventType"/> or <paramref name="eventId"/> contains a line break, or the id a NUL character.
    /// </exception>
    public Task WriteServerSentEventAsync(
        string data, string? eventType = null, string? eventId = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (eventType.AsSpan().ContainsAny('\r', '\n')) throw CreateFieldException(nameof(eventType));
        if (eventId.AsSpan().ContainsAny('\r', '\n', '\0')) throw CreateFieldException(nameof(eventId));
        var text = new StringBuilder();
        if (eventType is not null) text.Append("event: ").Append(eventType).Append('\n');
        if (eventId is not null) text.Append("id: ").Append(eventId).Append('\n');
        // Not ReplaceLineEndings: it also replaces characters that do not end a line of an event, such as U+2028.
        foreach (var line in data.Split(LineEnds, StringSplitOptions.None))
            text.Append("data: ").Append(line).Append('\n');
        return WriteTextAsync(text.Append('\n').ToString(), cancellationToken);
    }

    /// <summary>Starts an HTTP integration response: writes the HTTP prelude and eight NUL bytes.</summary>
    /// <param name="statusCode">The HTTP status.</param>
    /// <param name="headers">The HTTP headers, or <see langword="null"/>.</param>
    /// <param name="cookies">The cookies, each as a <c>Set-Cookie</c> value, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <remarks>
    /// The HTTP prelude contains the status, headers and cookies. All later writes are the HTTP body.
    /// The HTTP prelude and the NUL bytes are two chunks, as the Node.js runtime writes them.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The response has started.</exception>
    public async Task WriteHttpPreludeAsync(
        int statusCode,
        IReadOnlyDictionary<string, string>? headers,
        IReadOnlyList<string>? cookies,
        CancellationToken cancellationToken = default)
    {
        ContentType = "application/vnd.awslambda.http-integration-response";
        var prelude = JsonText.CreateObject(json =>
        {
            json.WriteNumber("statusCode", statusCode);
            json.WriteStartObject("headers");
            foreach ((var name, var value) in headers ?? new Dictionary<string, string>(StringComparer.Ordinal))
                json.WriteString(name, value);
            json.WriteEndObject();
            json.WriteStartArray("cookies");
            foreach (var cookie in cookies ?? [])
                json.WriteStringValue(cookie);
            json.WriteEndArray();
        });
        await WriteAsync(prelude, cancellationToken).ConfigureAwait(false);
        await WriteAsync(PreludeDelimiter, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes the response end with a function error when the function's task ends.</summary>
    /// <remarks>
    /// Return from the function after this call: the client waits until then. Only the first call counts.
    /// In an event stream, <c>InvokeComplete</c> reports the error after the chunks written before. With
    /// <see cref="LambdaOperation.Invoke"/>, the error replaces the chunks. Its body is
    /// <paramref name="errorDetails"/> if that is a JSON object.
    /// </remarks>
    /// <param name="errorCode">The error code, for example <c>Sandbox.Timedout</c> or <c>Unhandled</c>.</param>
    /// <param name="errorDetails">A text, or JSON with <c>errorMessage</c> and <c>errorType</c>.</param>
    /// <exception cref="ArgumentException">The code is blank, or the details are null.</exception>
    public void Fail(string errorCode, string errorDetails) => _output.Fail(errorCode, errorDetails);

    /// <summary>Ends the response without <c>InvokeComplete</c>, and cancels the function.</summary>
    /// <param name="mode">How the response ends.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="OperationCanceledException">
    /// Always thrown after the response has ended. It has the function's cancellation token.
    /// </exception>
    /// <exception cref="InvalidOperationException"><see cref="Fail"/> was called before.</exception>
    public Task AbortAsync(TruncationMode mode, CancellationToken cancellationToken = default) =>
        _output.AbortAsync(mode, cancellationToken);

    /// <summary>Adds a line to the function's log. Clients that request the log tail receive its last 4 KB.</summary>
    /// <param name="line">The line, without a line ending.</param>
    public void Log(string line) => _output.Log.Append(line);

    private static ArgumentException CreateFieldException(string parameter) => new(
        "The value contains a line break or a NUL character, so clients would not receive it. Remove the character.",
        parameter);
}
