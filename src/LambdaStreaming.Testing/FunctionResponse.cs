using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.Testing.Functions;

namespace LambdaStreaming.Testing;

/// <summary>What a function of the local server answers with: each write is one <c>PayloadChunk</c>, sent at once.</summary>
/// <remarks>For one writer at a time. When the function's task ends, the server writes <c>InvokeComplete</c>.</remarks>
public sealed class FunctionResponse
{
    // Source: Lambda developer guide, response streaming: JSON, then eight NUL bytes, then the body.
    private static readonly byte[] IntegrationDelimiter = new byte[8];

    private readonly InvocationStream _stream;

    internal FunctionResponse(InvocationStream stream) => _stream = stream;

    /// <summary>The content type that the function gives its answer; set it before the first write.</summary>
    /// <value>Default: <c>application/octet-stream</c>.</value>
    /// <remarks>Reaches the client only with <see cref="LocalLambdaServerOptions.SendFunctionContentType"/>.</remarks>
    /// <exception cref="InvalidOperationException">The answer has begun.</exception>
    public string ContentType
    {
        get => _stream.ContentType;
        set => _stream.ContentType = value;
    }

    /// <summary>Sends the head of the answer now, before there is a chunk.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task StartAsync(CancellationToken cancellationToken = default) => _stream.StartAsync(cancellationToken);

    /// <summary>Sends one chunk.</summary>
    /// <param name="payload">The bytes; none is allowed, and is an empty chunk.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException"><see cref="Fail"/> has ended the answer.</exception>
    /// <exception cref="OperationCanceledException">The client has left, the function's time is over, or the server is being disposed.</exception>
    public Task WriteAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default) => _stream.WriteChunkAsync(payload, cancellationToken);

    /// <summary>Sends a text, in UTF-8, as one chunk.</summary>
    /// <param name="text">The text.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task WriteTextAsync(string text, CancellationToken cancellationToken = default) =>
        WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);

    /// <summary>Sends a value, as JSON, as one chunk.</summary>
    /// <param name="value">The value.</param>
    /// <param name="jsonTypeInfo">The source-generated description of <typeparamref name="T"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task WriteJsonAsync<T>(T value, JsonTypeInfo<T> jsonTypeInfo, CancellationToken cancellationToken = default) =>
        WriteAsync(JsonSerializer.SerializeToUtf8Bytes(value, jsonTypeInfo), cancellationToken);

    /// <summary>Sends a server-sent event as one chunk.</summary>
    /// <param name="data">The data; each of its lines becomes a <c>data:</c> line.</param>
    /// <param name="eventType">The <c>event:</c> line, or <see langword="null"/> for none.</param>
    /// <param name="eventId">The <c>id:</c> line, or <see langword="null"/> for none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task WriteServerSentEventAsync(string data, string? eventType = null, string? eventId = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        var text = new StringBuilder();
        if (eventType is not null) text.Append("event: ").Append(eventType).Append('\n');
        if (eventId is not null) text.Append("id: ").Append(eventId).Append('\n');
        foreach (var line in data.ReplaceLineEndings("\n").Split('\n'))
            text.Append("data: ").Append(line).Append('\n');
        return WriteTextAsync(text.Append('\n').ToString(), cancellationToken);
    }

    /// <summary>Begins an HTTP integration answer: status, headers and cookies, then eight NUL bytes; what is written afterwards is the HTTP body.</summary>
    /// <param name="statusCode">The HTTP status for the caller of the HTTP front.</param>
    /// <param name="headers">Its headers, or <see langword="null"/>.</param>
    /// <param name="cookies">Its cookies, each as a <c>Set-Cookie</c> value, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <remarks>Two chunks, as the Node.js runtime writes them.</remarks>
    /// <exception cref="InvalidOperationException">The answer has begun.</exception>
    public async Task WriteHttpPreludeAsync(
        int statusCode, IReadOnlyDictionary<string, string>? headers, IReadOnlyList<string>? cookies, CancellationToken cancellationToken = default)
    {
        ContentType = "application/vnd.awslambda.http-integration-response";
        var prelude = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(prelude))
        {
            json.WriteStartObject();
            json.WriteNumber("statusCode", statusCode);
            json.WriteStartObject("headers");
            foreach ((var name, var value) in headers ?? new Dictionary<string, string>(StringComparer.Ordinal))
                json.WriteString(name, value);
            json.WriteEndObject();
            json.WriteStartArray("cookies");
            foreach (var cookie in cookies ?? [])
                json.WriteStringValue(cookie);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        await WriteAsync(prelude.WrittenMemory, cancellationToken).ConfigureAwait(false);
        await WriteAsync(IntegrationDelimiter, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends the answer as a failed one: <c>InvokeComplete</c> will carry this error, after the chunks written before.</summary>
    /// <param name="errorCode">The error's name, e.g. <c>Sandbox.Timedout</c> or <c>Unhandled</c>.</param>
    /// <param name="errorDetails">Its details: a text, or JSON with <c>errorMessage</c> and <c>errorType</c>.</param>
    public void Fail(string errorCode, string errorDetails) => _stream.Fail(errorCode, errorDetails);

    /// <summary>Ends the answer here, without <c>InvokeComplete</c>, and the function with it.</summary>
    /// <param name="mode">How it ends.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">Always, once the answer has ended: it carries the function's token.</exception>
    public Task AbortAsync(TruncationMode mode, CancellationToken cancellationToken = default) => _stream.AbortAsync(mode, cancellationToken);

    /// <summary>Adds a line to the function's log; the last 4 KB of it go to clients that ask for the log's tail.</summary>
    /// <param name="line">The line, without its end.</param>
    public void Log(string line) => _stream.Log.Append(line);
}
