using System.Text.Json;
using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Http;
using LambdaStreaming.Testing.Recording;

namespace LambdaStreaming.Testing;

/// <summary>The timing of a replayed recording.</summary>
public enum ReplayTiming
{
    /// <summary>Sends all chunks without pauses.</summary>
    Immediate,

    /// <summary>Keeps the recorded time between the headers and each chunk, measured by the server's clock.</summary>
    AsRecorded,
}

/// <summary>A streaming response with its timing, which can be saved to a file and replayed.</summary>
/// <remarks>
/// The file contains one JSON object per line and can be edited by hand. The first line is the metadata, the last line
/// is the end: <c>complete</c> or <c>truncated</c>. The lines between are chunks: text if the bytes are UTF-8,
/// otherwise base64. The executed version in the metadata is not replayed: clients receive the version of the function
/// that replays the recording. A content type that is not printable ASCII is not replayed either. A response that was
/// corrupt, idle for too long or ended by the service is also recorded as <c>truncated</c>. The replay then causes a
/// <see cref="ResponseStreamTruncatedException"/>. A recording is in memory, without a limit of its size.
/// </remarks>
public sealed class RecordedStream
{
    private readonly IReadOnlyList<RecordedLine> _lines;

    private RecordedStream(IReadOnlyList<RecordedLine> lines) => _lines = lines;

    /// <summary>Why the recorded response failed; <see langword="null"/> after <see cref="LoadAsync"/>.</summary>
    internal LambdaStreamingException? Failure { get; private init; }

    /// <summary>The number of recorded chunks.</summary>
    public int ChunkCount => _lines.Count(line => line.IsChunk);

    /// <summary>The time from the response headers to the end of the stream.</summary>
    public TimeSpan Duration => TimeSpan.FromMilliseconds(_lines[^1].AfterMilliseconds);

    /// <summary>Reads a response to its end and records it, even if it fails or is truncated.</summary>
    /// <param name="response">The response. It must not have been read before.</param>
    /// <param name="cancellationToken">Cancels the recording.</param>
    public static Task<RecordedStream> RecordAsync(
        InvokeWithResponseStreamResponse response, CancellationToken cancellationToken = default) =>
        RecordAsync(response, TimeProvider.System, cancellationToken);

    /// <summary>Replays the recording as the response of a function.</summary>
    internal async Task ReplayAsync(
        FunctionResponse response,
        ReplayTiming timing,
        TimeProvider timeProvider,
        CancellationToken cancellationToken)
    {
        if (_lines[0].ContentType is { } contentType && FunctionOutput.IsContentType(contentType))
            response.ContentType = contentType;
        await response.StartAsync(cancellationToken).ConfigureAwait(false);
        var start = timeProvider.GetTimestamp();
        foreach (var line in _lines.Skip(1))
        {
            var delay = TimeSpan.FromMilliseconds(line.AfterMilliseconds) - timeProvider.GetElapsedTime(start);
            if (timing == ReplayTiming.AsRecorded && delay > TimeSpan.Zero)
                await Task.Delay(delay, timeProvider, cancellationToken).ConfigureAwait(false);
            if (line.IsChunk)
                await response.WriteAsync(line.GetPayload(), cancellationToken).ConfigureAwait(false);
            else if (line.Truncated is not null)
                await response.AbortAsync(TruncationMode.Close, cancellationToken).ConfigureAwait(false);
            else
                Complete(response, line);
        }
    }

    internal static async Task<RecordedStream> RecordAsync(
        InvokeWithResponseStreamResponse response, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(response);
        var start = timeProvider.GetTimestamp();
        var lines = new List<RecordedLine>
        {
            new() { ExecutedVersion = response.ExecutedVersion, ContentType = response.ResponseStreamContentType },
        };
        LambdaStreamingException? failure = null;
        try
        {
            await foreach (var chunk in response.ReadChunksAsync(cancellationToken).ConfigureAwait(false))
                lines.Add(RecordedLine.CreateChunk(GetElapsedMilliseconds(), chunk.ToArray()));
        }
        catch (Exception exception) when (exception is FunctionErrorException or ResponseStreamException)
        {
            failure = (LambdaStreamingException)exception;
        }

        var truncated = (failure as ResponseStreamException)?.Message;
        lines.Add(new()
        {
            AfterMilliseconds = GetElapsedMilliseconds(),
            Complete = truncated is null ? RecordedComplete.From(response.InvokeComplete) : null,
            Truncated = truncated,
        });
        return new RecordedStream(lines) { Failure = failure };

        double GetElapsedMilliseconds() => Math.Round(timeProvider.GetElapsedTime(start).TotalMilliseconds, 1);
    }

    /// <summary>Writes the recording to a file.</summary>
    /// <param name="path">The path. An existing file is replaced.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default) =>
        File.WriteAllLinesAsync(path, Serialize(), cancellationToken);

    /// <summary>Writes the recording to a stream, which stays open. LambdaStreaming.Tool uses this method.</summary>
    internal async Task WriteAsync(Stream stream)
    {
        var writer = new StreamWriter(stream, bufferSize: 64 * 1024, leaveOpen: true);
        await using var disposal = writer.ConfigureAwait(false);
        foreach (var line in Serialize()) await writer.WriteLineAsync(line).ConfigureAwait(false);
    }

    private IEnumerable<string> Serialize() =>
        _lines.Select(line => JsonSerializer.Serialize(line, RecordingJson.Relaxed.RecordedLine));

    /// <summary>Reads a recording from a file.</summary>
    /// <param name="path">The path.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="InvalidDataException">
    /// The file is not a valid recording. The message contains the number of the invalid line.
    /// </exception>
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
                lines.Add(Parse(text, lines));
            }
            catch (Exception exception) when (exception is JsonException or FormatException)
            {
                throw new InvalidDataException(
                    $"Line {number} of {path} is not a valid line of a recording: {exception.Message}", exception);
            }
        }

        if (lines is not [.., { IsEnd: true }]) throw CreateIncompleteException(path, lines.Count);
        return new RecordedStream(lines);
    }

    private static RecordedLine Parse(string text, List<RecordedLine> previous)
    {
        var line = JsonSerializer.Deserialize(text, RecordingJson.Relaxed.RecordedLine)
            ?? throw new FormatException("it is null");
        if (line.FindProblem(isFirst: previous.Count == 0) is { } problem) throw new FormatException(problem);
        if (previous is [.., { IsEnd: true }]) throw new FormatException("an earlier line ended the recording");
        line.ValidateBase64();
        return line;
    }

    private static InvalidDataException CreateIncompleteException(string path, int lines) => new(
        $"{path} is not a complete recording: it has {lines} lines but no end. "
        + "Expected: the metadata, chunks, and a last line with complete or truncated.");

    private static void Complete(FunctionResponse response, RecordedLine line)
    {
        if (line.Complete?.LogResult is { Length: > 0 } log)
        {
            // The client accepts a response whose log is not valid base64, so such text is recorded unchanged.
            var text = Base64Text.Decode(log);
            // Log adds the last line end.
            if (text.EndsWith('\n')) text = text[..^1];
            foreach (var logLine in text.Split('\n')) response.Log(logLine);
        }

        if (line.Complete?.ToEvent() is not { IsFunctionError: true } error) return;
        var code = string.IsNullOrWhiteSpace(error.ErrorCode) ? "Unhandled" : error.ErrorCode;
        response.Fail(code, error.ErrorDetails ?? "");
    }
}
