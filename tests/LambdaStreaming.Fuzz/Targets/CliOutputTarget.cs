using System.Text;
using System.Text.Json;
using LambdaStreaming.Tool.Invoke;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as the payload of a response that the command line prints.</summary>
/// <remarks>The first byte selects the format.</remarks>
internal static class CliOutputTarget
{
    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        var payload = input[1..];
        var sizes = new FragmentSizes(input);
        if ((input[0] & 3) == 0) CheckEvents(payload, sizes);
        else CheckFormat(payload, sizes, input[0] & 3, input[0] >> 4);
    }

    // Each event is one line of JSON with the bytes of one chunk.
    private static void CheckEvents(byte[] payload, FragmentSizes sizes)
    {
        var streams = new ToolStreams([]);
        var chunks = new Chunks(payload, sizes.Next);
        using var response = InvokeWithResponseStreamResponse.Create(chunks);
        var output = new OutputWriter(null, streams.Console);
        var printer = new EventPrinter(output, new StreamStatistics(TimeProvider.System), streams.Console);
        SynchronousTask.GetResult(new ValueTask(printer.PrintAsync(response, CancellationToken.None)));

        using var received = new MemoryStream();
        var count = 0;
        foreach (var line in SplitLines(streams.OutputBytes))
        {
            FindingException.Unless(NaiveJson.IsValid(line), "An event is not JSON.");
            using var json = JsonDocument.Parse(line);
            count++;
            if (json.RootElement.TryGetProperty("text", out var text))
                received.Write(Encoding.UTF8.GetBytes(text.GetString()!));
            else if (json.RootElement.TryGetProperty("base64", out var base64))
                received.Write(base64.GetBytesFromBase64());
        }

        FindingException.Unless(count == chunks.Count + 2, $"{count} events for {chunks.Count} chunks.");
        FindingException.Unless(received.ToArray().AsSpan().SequenceEqual(payload), "The payload differs.");
    }

    // The output is what the format requires, for any fragments.
    private static void CheckFormat(byte[] payload, FragmentSizes sizes, int kind, int flags)
    {
        var format = kind switch
        {
            1 => OutputFormat.Json,
            2 => OutputFormat.ServerSentEvents,
            _ when (flags & 3) == 0 => OutputFormat.Raw,
            _ => (flags & 1) == 0 ? OutputFormat.Text : OutputFormat.Lines,
        };
        var streams = new ToolStreams([]);
        using var response = InvokeWithResponseStreamResponse.Create(new Chunks(payload, sizes.Next));
        var hint = new HttpPreludeHint();
        var printer = new ResponsePrinter(
            format,
            (flags & 8) == 0 ? hint : null,
            new OutputWriter(null, streams.Console),
            new StreamStatistics(TimeProvider.System),
            streams.Console);
        try
        {
            var print = printer.PrintAsync(response, "f", CancellationToken.None);
            SynchronousTask.GetResult(new ValueTask(print));
        }
        catch (LambdaStreamingException exception)
            when (exception is PayloadFormatException or PayloadLimitExceededException)
        {
            TerminalText.CheckReport(exception, new ToolStreams([]));
            FindingException.Unless(format != OutputFormat.Raw || (flags & 8) != 0, "Raw bytes cannot be printed.");
            return;
        }

        // With an HTTP prelude, standard error has the status and headers.
        TerminalText.Check(streams.Error.ToString());
        if ((flags & 8) != 0) return;
        Check(format, payload, streams.OutputBytes);
        if (flags == 4) _ = SynchronousTask.GetResult(hint.IsNeededAsync());
    }

    private static void Check(OutputFormat format, byte[] payload, ReadOnlySpan<byte> output)
    {
        switch (format)
        {
            case OutputFormat.Raw:
                FindingException.Unless(output.SequenceEqual(payload), "The bytes differ.");
                break;
            case OutputFormat.Text:
                FindingException.Unless(Encoding.UTF8.GetString(output) == GetText(payload), "The text differs.");
                break;
            case OutputFormat.Json:
                CheckJson(payload, output);
                break;
            case OutputFormat.ServerSentEvents:
                CheckServerSentEvents(payload, output);
                break;
            default:
                FindingException.Unless(output.IsEmpty || output[^1] == '\n', "The last line is not complete.");
                break;
        }
    }

    private static string GetText(ReadOnlySpan<byte> payload) =>
        Encoding.UTF8.GetString(payload.StartsWith(Encoding.UTF8.Preamble) ? payload[3..] : payload);

    // A program that reads the lines must find one value in each.
    private static void CheckJson(byte[] payload, ReadOnlySpan<byte> output)
    {
        var lines = SplitLines(output);
        foreach (var line in lines)
        {
            FindingException.Unless(NaiveJson.IsValid(line), "A line is not JSON.");
            FindingException.Unless(
                line.AsSpan().IndexOfAnyInRange((byte)0, (byte)31) < 0,
                "A line of JSON has a control character.");
        }

        var start = payload.AsSpan().TrimStart(" \t\r\n"u8);
        if (!NaiveJson.IsValid(payload) || start[0] == '[') return;
        FindingException.Unless(lines.Count == 1, $"One value was printed as {lines.Count} lines.");
        var options = new JsonDocumentOptions { MaxDepth = 2000 };
        using var expected = JsonDocument.Parse(payload, options);
        using var actual = JsonDocument.Parse(lines[0], options);
        FindingException.Unless(IsSame(expected.RootElement, actual.RootElement), "The value differs.");
    }

    // JsonElement.DeepEquals throws for an escaped lone surrogate, and for a number with an exponent above 2^31.
    private static bool IsSame(JsonElement left, JsonElement right)
    {
        try
        {
            return JsonElement.DeepEquals(left, right);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
        {
            return true;
        }
    }

    private static void CheckServerSentEvents(byte[] payload, ReadOnlySpan<byte> output)
    {
        var events = new NaiveServerSentEvents();
        using var expected = new MemoryStream();
        events.Dispatched = data =>
        {
            var text = Encoding.UTF8.GetString(data);
            if (text == "[DONE]") return;
            expected.Write(Encoding.UTF8.GetBytes(text));
            expected.Write("\n"u8);
        };
        events.Read(payload);
        FindingException.Unless(
            output.SequenceEqual(expected.GetBuffer().AsSpan(0, (int)expected.Length)),
            "The events differ.");
    }

    private static List<byte[]> SplitLines(ReadOnlySpan<byte> output)
    {
        var lines = new List<byte[]>();
        while (!output.IsEmpty)
        {
            var end = output.IndexOf((byte)'\n');
            FindingException.Unless(end >= 0, "The last line is not complete.");
            lines.Add(output[..end].ToArray());
            output = output[(end + 1)..];
        }

        return lines;
    }

    /// <summary>The chunks of a payload, which never wait.</summary>
    private sealed class Chunks(byte[] payload, Func<int> nextSize)
        : IAsyncEnumerable<ReadOnlyMemory<byte>>, IAsyncEnumerator<ReadOnlyMemory<byte>>
    {
        private int _position;

        /// <summary>The number of chunks so far.</summary>
        public int Count { get; private set; }

        public ReadOnlyMemory<byte> Current { get; private set; }

        public IAsyncEnumerator<ReadOnlyMemory<byte>> GetAsyncEnumerator(
            CancellationToken cancellationToken = default) => this;

        public ValueTask<bool> MoveNextAsync()
        {
            if (_position == payload.Length) return new(false);
            var length = Math.Min(nextSize(), payload.Length - _position);
            Current = payload.AsMemory(_position, length);
            _position += length;
            Count++;
            return new(true);
        }

        public ValueTask DisposeAsync() => default;
    }
}
