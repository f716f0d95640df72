using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing.Recording;

namespace LambdaStreaming.Testing;

/// <summary>How a recorded stream is served.</summary>
public enum ReplayTiming
{
    /// <summary>One chunk after another, without pauses.</summary>
    Immediate,

    /// <summary>Each chunk as long after the head as when it was recorded, by the server's clock.</summary>
    AsRecorded,
}

/// <summary>A streamed answer with its timing, saved to a small file and served again.</summary>
/// <remarks>The file has a JSON object a line: the head, each chunk (text where it is UTF-8, else base64), the end: <c>complete</c> or <c>cut</c>. It can be edited by hand. The executed version in the head is not served again: that is the version of the function which serves it.</remarks>
public sealed class RecordedStream
{
    private readonly IReadOnlyList<RecordedLine> _lines;

    private RecordedStream(IReadOnlyList<RecordedLine> lines) => _lines = lines;

    /// <summary>How many chunks were recorded.</summary>
    public int ChunkCount => _lines.Count(line => line.IsChunk);

    /// <summary>How long the stream took from its head to its end.</summary>
    public TimeSpan Duration => TimeSpan.FromMilliseconds(_lines[^1].AfterMilliseconds);

    /// <summary>Reads an answer to its end, whatever that is, and keeps it.</summary>
    /// <param name="response">The answer; not read before.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static Task<RecordedStream> RecordAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken = default) =>
        RecordAsync(response, TimeProvider.System, cancellationToken);

    /// <summary>Serves the recording as a function does.</summary>
    internal async Task ReplayAsync(FunctionResponse response, ReplayTiming timing, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        if (_lines[0].ContentType is { } contentType && !string.IsNullOrWhiteSpace(contentType)) response.ContentType = contentType;
        await response.StartAsync(cancellationToken).ConfigureAwait(false);
        var start = timeProvider.GetTimestamp();
        foreach (var line in _lines.Skip(1))
        {
            var wait = TimeSpan.FromMilliseconds(line.AfterMilliseconds) - timeProvider.GetElapsedTime(start);
            if (timing == ReplayTiming.AsRecorded && wait > TimeSpan.Zero) await Task.Delay(wait, timeProvider, cancellationToken).ConfigureAwait(false);
            if (line.IsChunk) await response.WriteAsync(line.Payload(), cancellationToken).ConfigureAwait(false);
            else if (line.Cut is not null) await response.AbortAsync(TruncationMode.Close, cancellationToken).ConfigureAwait(false);
            else Complete(response, line);
        }
    }

    internal static async Task<RecordedStream> RecordAsync(InvokeWithResponseStreamResponse response, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(response);
        var start = timeProvider.GetTimestamp();
        var lines = new List<RecordedLine> { new() { ExecutedVersion = response.ExecutedVersion, ContentType = response.ResponseStreamContentType } };
        RecordedLine end;
        try
        {
            await foreach (var chunk in response.ReadChunksAsync(cancellationToken).ConfigureAwait(false))
                lines.Add(RecordedLine.Chunk(Elapsed(), chunk.ToArray()));
            end = new RecordedLine { Complete = RecordedComplete.From(response.InvokeComplete) };
        }
        catch (FunctionErrorException)
        {
            end = new RecordedLine { Complete = RecordedComplete.From(response.InvokeComplete) };
        }
        catch (ResponseStreamException exception)
        {
            end = new RecordedLine { Cut = exception.Message };
        }

        lines.Add(end with { AfterMilliseconds = Elapsed() });
        return new RecordedStream(lines);

        double Elapsed() => Math.Round(timeProvider.GetElapsedTime(start).TotalMilliseconds, 1);
    }

    /// <summary>Writes the recording to a file.</summary>
    /// <param name="path">Its path; a file there is replaced.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default) =>
        File.WriteAllLinesAsync(path, _lines.Select(line => JsonSerializer.Serialize(line, RecordingJson.Relaxed.RecordedLine)), cancellationToken);

    /// <summary>Reads a recording from a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="InvalidDataException">The file is no recording.</exception>
    public static async Task<RecordedStream> LoadAsync(string path, CancellationToken cancellationToken = default)
    {
        var lines = new List<RecordedLine>();
        var number = 0;
        foreach (var text in await File.ReadAllLinesAsync(path, cancellationToken).ConfigureAwait(false))
        {
            number++;
            if (string.IsNullOrWhiteSpace(text)) continue;
            try
            {
                var line = JsonSerializer.Deserialize(text, RecordingJson.Relaxed.RecordedLine) ?? throw new FormatException("it is null");
                if (line.Problem(first: lines.Count == 0) is { } problem) throw new FormatException(problem);
                if (lines is [.., { IsEnd: true }]) throw new FormatException("the recording has ended before it");
                line.Decode();
                lines.Add(line);
            }
            catch (Exception exception) when (exception is JsonException or FormatException)
            {
                throw new InvalidDataException($"Line {number} of {path} is no line of a recording: {exception.Message}", exception);
            }
        }

        if (lines is not [.., { IsEnd: true }])
            throw new InvalidDataException($"{path} is no whole recording: expected a head, chunks, and complete or cut as the last line; it has {lines.Count} lines and no end.");
        return new RecordedStream(lines);
    }

    private static void Complete(FunctionResponse response, RecordedLine line)
    {
        if (line.Complete?.LogResult is { } log)
        {
            // A log that is no base64 is recorded as it came, since the answer was whole nonetheless.
            var bytes = new byte[log.Length];
            var lines = Convert.TryFromBase64String(log, bytes, out var count) ? Encoding.UTF8.GetString(bytes, 0, count) : log;
            foreach (var text in lines.TrimEnd('\n').Split('\n')) response.Log(text);
        }

        if (line.Complete?.ToEvent() is { IsFunctionError: true } error) response.Fail(error.ErrorCode is { Length: > 0 } code ? code : "Unhandled", error.ErrorDetails ?? "");
    }
}
