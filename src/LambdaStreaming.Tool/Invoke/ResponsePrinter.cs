using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>The output format of the payload.</summary>
internal enum OutputFormat
{
    Raw,
    Text,
    Lines,
    Json,
    ServerSentEvents,
    Events,
}

/// <summary>Prints a response as it arrives, in every format except <see cref="OutputFormat.Events"/>.</summary>
/// <remarks>Without a hint, the HTTP prelude is printed separately, to the console.</remarks>
internal sealed class ResponsePrinter(
    OutputFormat format,
    HttpPreludeHint? hint,
    OutputWriter output,
    StreamStatistics statistics,
    ToolConsole console)
{
    private const int MaxUnitBytes = 64 * 1024 * 1024;

    // Lines, values and events are buffered completely.
    // These limits are higher than the library's defaults, which are chosen for services.
    private static readonly PayloadReadOptions ReadOptions = new()
    {
        MaxLineBytes = MaxUnitBytes,
        MaxValueBytes = MaxUnitBytes,
        MaxEventBytes = MaxUnitBytes,
    };

    // The output is for terminals and programs, so escaping for HTML is not needed.
    private static readonly JsonWriterOptions JsonOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public async Task PrintAsync(
        InvokeWithResponseStreamResponse response,
        string functionName,
        CancellationToken cancellationToken)
    {
        hint?.SetResponse(response);
        if (format == OutputFormat.Raw && hint is not null)
            await PrintChunksAsync(response, cancellationToken);
        else
            await PrintFormattedAsync(response, functionName, cancellationToken);
    }

    private async Task PrintChunksAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        statistics.BeginWait();
        await foreach (var chunk in response.ReadChunksAsync(cancellationToken))
        {
            statistics.RecordChunk(chunk.Length);
            hint?.Add(chunk.Payload);
            await output.WriteAsync(chunk.Payload, cancellationToken);
            statistics.BeginWait();
        }
    }

    private async Task PrintFormattedAsync(
        InvokeWithResponseStreamResponse response,
        string functionName,
        CancellationToken cancellationToken)
    {
        // A wrapper of the response that counts its chunks. Failures of the response reach the reader unchanged.
        var chunks = statistics.CountChunksAsync(response, hint, cancellationToken);
        var metadata = new ResponseStreamMetadata
        {
            FunctionName = functionName,
            RequestId = response.RequestId,
            ResponseStreamContentType = response.ResponseStreamContentType,
        };
        await using var counted = InvokeWithResponseStreamResponse.Create(chunks, metadata: metadata);
        ResponsePayload payload = counted;
        if (hint is null)
        {
            var integration = await counted.ReadHttpIntegrationResponseAsync(ReadOptions, cancellationToken);
            PrintHeaders(integration);
            payload = integration;
        }

        await PrintPayloadAsync(payload, cancellationToken);
    }

    private async Task PrintPayloadAsync(ResponsePayload payload, CancellationToken cancellationToken)
    {
        switch (format)
        {
            case OutputFormat.Text:
                await foreach (var text in payload.ReadTextAsync(ReadOptions, cancellationToken))
                    await output.WriteAsync(text, cancellationToken);
                break;
            case OutputFormat.Lines:
                await foreach (var line in payload.ReadLinesAsync(ReadOptions, cancellationToken))
                    await output.WriteAsync(line + "\n", cancellationToken);
                break;
            case OutputFormat.Json:
                var type = ResponseJson.Default.JsonElement;
                await foreach (var value in payload.ReadJsonValuesAsync(type, ReadOptions, cancellationToken))
                    await output.WriteAsync(FormatLine(value), cancellationToken);
                break;
            case OutputFormat.ServerSentEvents:
                // The end marker of language model APIs is not JSON and would stop `jq`.
                await foreach (var item in payload.ReadServerSentEventsAsync(ReadOptions, cancellationToken))
                    await output.WriteAsync(item.Data == "[DONE]" ? "" : item.Data + "\n", cancellationToken);
                break;
            default:
                await PrintBytesAsync(payload, cancellationToken);
                break;
        }
    }

    private async Task PrintBytesAsync(ResponsePayload payload, CancellationToken cancellationToken)
    {
        await using var stream = payload.AsStream();
        var buffer = new byte[64 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var count)
            await output.WriteAsync(new ReadOnlySequence<byte>(buffer, 0, count), cancellationToken);
    }

    private void PrintHeaders(HttpIntegrationResponse response)
    {
        if (!response.HasPrelude)
        {
            console.WriteMessage("the response does not begin with an HTTP status and headers");
            return;
        }

        console.Error.WriteLine($"< HTTP {(int)response.StatusCode}");
        foreach (var (name, values) in response.MultiValueHeaders)
        {
            // Skip Set-Cookie here: Cookies has the values of all Set-Cookie headers.
            if (name.Equals("set-cookie", StringComparison.OrdinalIgnoreCase))
                continue;
            foreach (var value in values)
                console.Error.WriteLine(ExternalText.ToLine($"< {name}: {value}"));
        }

        foreach (var cookie in response.Cookies)
            console.Error.WriteLine(ExternalText.ToLine($"< set-cookie: {cookie}"));
        console.Error.WriteLine();
    }

    private static ReadOnlySequence<byte> FormatLine(JsonElement value)
    {
        try
        {
            var line = new ArrayBufferWriter<byte>();
            using (var json = new Utf8JsonWriter(line, JsonOptions))
                value.WriteTo(json);
            line.Write("\n"u8);
            return new ReadOnlySequence<byte>(line.WrittenMemory);
        }
        catch (InvalidOperationException)
        {
            // An escape in valid JSON can be half of a surrogate pair, which is not a text.
            return new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(RemoveWhitespace(value.GetRawText()) + "\n"));
        }
    }

    /// <summary>Removes the whitespace between the tokens of valid JSON. Escapes are kept.</summary>
    private static string RemoveWhitespace(string json)
    {
        var compact = new StringBuilder(json.Length);
        var isInString = false;
        for (var i = 0; i < json.Length; i++)
        {
            if (!isInString && json[i] is (' ' or '\t' or '\r' or '\n'))
                continue;
            compact.Append(json[i]);
            if (json[i] == '"')
                isInString = !isInString;
            else if (json[i] == '\\')
                compact.Append(json[++i]);
        }

        return compact.ToString();
    }
}

// 1000 is the maximum depth of Utf8JsonWriter. A limit is needed: JsonElement's parsing time grows with the square of
// the depth.
[JsonSourceGenerationOptions(MaxDepth = 1000)]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class ResponseJson : JsonSerializerContext;
