using System.Buffers;
using System.Runtime.CompilerServices;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>The numbers of chunks and bytes of a response, and its times since the request was sent.</summary>
internal sealed class StreamStatistics(TimeProvider timeProvider)
{
    private readonly long _start = timeProvider.GetTimestamp();
    private TimeSpan? _timeToHeaders;
    private TimeSpan? _timeToFirstChunk;
    private TimeSpan? _total;
    private TimeSpan _maxIdle;
    private long _waitingSince;
    private string? _requestId;
    private string? _version;
    private long _bytes;
    private long _chunks;

    // The progress line reads both counters from another thread.
    public long Bytes => Interlocked.Read(ref _bytes);

    public long Chunks => Interlocked.Read(ref _chunks);

    /// <summary>Whether the response headers were received.</summary>
    public bool HasHeaders => _timeToHeaders is not null;

    public TimeSpan Elapsed => _total ?? timeProvider.GetElapsedTime(_start);

    public void RecordHeaders(InvokeWithResponseStreamResponse response)
    {
        _timeToHeaders = Elapsed;
        _requestId = response.RequestId;
        _version = response.ExecutedVersion;
    }

    /// <summary>Starts to measure the wait for the next chunk.</summary>
    /// <remarks>The time to write the previous chunk is not included.</remarks>
    public void BeginWait() => _waitingSince = timeProvider.GetTimestamp();

    public void RecordChunk(long length)
    {
        if (_timeToFirstChunk is null)
            _timeToFirstChunk = Elapsed;
        else if (timeProvider.GetElapsedTime(_waitingSince) is var idle && idle > _maxIdle)
            _maxIdle = idle;
        Interlocked.Add(ref _bytes, length);
        Interlocked.Increment(ref _chunks);
    }

    public void Stop() => _total ??= Elapsed;

    /// <summary>Enumerates and counts the chunks of a response, for readers that do not expose them.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> CountChunksAsync(
        InvokeWithResponseStreamResponse response,
        HttpPreludeHint? hint,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        BeginWait();
        await foreach (var chunk in response.ReadOwnedChunksAsync(cancellationToken))
        {
            RecordChunk(chunk.Length);
            hint?.Add(new ReadOnlySequence<byte>(chunk));
            yield return chunk;
            BeginWait();
        }
    }

    /// <summary>Formats size, chunks and time as part of a sentence.</summary>
    public string Summarize() =>
        $"{ByteCount.Format(Bytes)} in {ExceptionMessages.Count(Chunks, "chunk")} and {Duration.Format(Elapsed)}";

    public void Print(TextWriter writer)
    {
        writer.WriteLine($"request id   {ExternalText.ToLine(_requestId is { Length: > 0 } id ? id : "-")}");
        writer.WriteLine($"version      {ExternalText.ToLine(_version ?? "-")}");
        writer.WriteLine($"chunks       {Chunks}");
        writer.WriteLine($"bytes        {Bytes}");
        writer.WriteLine($"headers      {Format(_timeToHeaders)}");
        writer.WriteLine($"first chunk  {Format(_timeToFirstChunk)}");
        writer.WriteLine($"max idle     {Format(Chunks > 1 ? _maxIdle : null)}");
        writer.WriteLine($"total        {Format(Elapsed)}");
    }

    private static string Format(TimeSpan? time) => time is { } duration ? Duration.Format(duration) : "-";
}
