using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>How the payload is read and printed.</summary>
internal enum OutputFormat
{
    Raw,
    Text,
    Lines,
    Json,
    ServerSentEvents,
    Events,
}

/// <summary>Prints an answer while it comes.</summary>
internal sealed class ResponsePrinter(OutputFormat form, bool http, OutputWriter output, StreamStatistics stats, ToolConsole console)
{
    private const int MaxUnitBytes = 64 * 1024 * 1024;

    // A line, value or event has to be held whole; a person's own machine can hold more than a service would.
    private static readonly PayloadReadOptions ReadOptions = new() { MaxLineBytes = MaxUnitBytes, MaxValueBytes = MaxUnitBytes, MaxEventBytes = MaxUnitBytes };

    // What is printed goes to terminals and programs, never into a page.
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Whether the answer, so far, ends amid a line of a terminal.</summary>
    public bool EndsMidLine => output.EndsMidLine;

    public async Task PrintAsync(InvokeWithResponseStreamResponse response, string functionName, CancellationToken cancellationToken)
    {
        if (form == OutputFormat.Raw && !http) await PrintChunksAsync(response, cancellationToken);
        else await PrintReadAsync(response, functionName, cancellationToken);
    }

    private async Task PrintChunksAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        stats.Waits();
        await foreach (var chunk in response.ReadChunksAsync(cancellationToken))
        {
            stats.Chunk(chunk.Length);
            await output.WriteAsync(chunk.Payload, cancellationToken);
            stats.Waits();
        }
    }

    private async Task PrintReadAsync(InvokeWithResponseStreamResponse response, string functionName, CancellationToken cancellationToken)
    {
        // The same answer again, its chunks counted on the way; its failures pass through as they are.
        var head = new ResponseStreamMetadata
        {
            FunctionName = functionName,
            RequestId = response.RequestId,
            ExecutedVersion = response.ExecutedVersion,
            ResponseStreamContentType = response.ResponseStreamContentType,
            Headers = response.Headers.Where(header => !header.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)).ToDictionary(header => header.Key, header => string.Join(",", header.Value), StringComparer.OrdinalIgnoreCase),
        };
        await using var watched = InvokeWithResponseStreamResponse.Create(stats.WatchAsync(response, cancellationToken), metadata: head);
        ResponsePayload payload = watched;
        if (http)
        {
            var integration = await watched.ReadHttpIntegrationResponseAsync(ReadOptions, cancellationToken);
            PrintHeaders(integration);
            payload = integration;
        }

        await PrintPayloadAsync(payload, cancellationToken);
    }

    private async Task PrintPayloadAsync(ResponsePayload payload, CancellationToken cancellationToken)
    {
        switch (form)
        {
            case OutputFormat.Text:
                await foreach (var text in payload.ReadTextAsync(ReadOptions, cancellationToken)) await output.WriteAsync(text, cancellationToken);
                break;
            case OutputFormat.Lines:
                await foreach (var line in payload.ReadLinesAsync(ReadOptions, cancellationToken)) await output.WriteAsync(line + "\n", cancellationToken);
                break;
            case OutputFormat.Json:
                await foreach (var value in payload.ReadJsonValuesAsync(ResponseJson.Default.JsonElement, ReadOptions, cancellationToken)) await output.WriteAsync(Line(value), cancellationToken);
                break;
            case OutputFormat.ServerSentEvents:
                await foreach (var item in payload.ReadServerSentEventsAsync(ReadOptions, cancellationToken))
                {
                    // The end mark of language model APIs, which is no JSON and would stop a `| jq`.
                    if (item.Data != "[DONE]") await output.WriteAsync(item.Data + "\n", cancellationToken);
                }

                break;
            default:
                await using (var stream = payload.AsStream()) await PrintBytesAsync(stream, cancellationToken);
                break;
        }
    }

    private async Task PrintBytesAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and int count)
            await output.WriteAsync(new ReadOnlySequence<byte>(buffer, 0, count), cancellationToken);
    }

    private void PrintHeaders(HttpIntegrationResponse response)
    {
        if (!response.HasPrelude)
        {
            console.Say("the answer has no HTTP status and headers before its body");
            return;
        }

        console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"< HTTP {(int)response.StatusCode}"));
        foreach (var (name, values) in response.MultiValueHeaders)
        {
            // Cookies has the values of all Set-Cookie headers.
            if (name.Equals("set-cookie", StringComparison.OrdinalIgnoreCase)) continue;
            foreach (var value in values) console.Error.WriteLine(ExternalText.ToLine($"< {name}: {value}"));
        }

        foreach (var cookie in response.Cookies) console.Error.WriteLine(ExternalText.ToLine($"< set-cookie: {cookie}"));
        console.Error.WriteLine();
    }

    private static ReadOnlySequence<byte> Line(JsonElement value)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line, Compact)) value.WriteTo(json);
        line.Write("\n"u8);
        return new ReadOnlySequence<byte>(line.WrittenMemory);
    }
}

// As deep as Utf8JsonWriter writes. The time that JsonElement takes grows with the square of the depth.
[JsonSourceGenerationOptions(MaxDepth = 1000)]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class ResponseJson : JsonSerializerContext;
