using System.Globalization;
using System.Runtime.CompilerServices;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>How the answer came: chunks, bytes and times, from the moment that the request is sent.</summary>
internal sealed class StreamStatistics(TimeProvider timeProvider)
{
    private readonly long _start = timeProvider.GetTimestamp();
    private TimeSpan? _head;
    private TimeSpan? _firstChunk;
    private TimeSpan? _end;
    private TimeSpan _largestGap;
    private long _waitingSince;
    private string? _requestId;
    private string? _version;
    private long _bytes;
    private long _chunks;

    // Read by the progress line while the answer is read.
    public long Bytes => Interlocked.Read(ref _bytes);

    public long Chunks => Interlocked.Read(ref _chunks);

    public TimeSpan Elapsed => _end ?? timeProvider.GetElapsedTime(_start);

    public void RecordHeaders(InvokeWithResponseStreamResponse response)
    {
        _head = Elapsed;
        _requestId = response.RequestId;
        _version = response.ExecutedVersion;
    }

    /// <summary>The next chunk is asked for; what the output takes is no gap of the answer.</summary>
    public void Waits() => _waitingSince = timeProvider.GetTimestamp();

    public void Chunk(long length)
    {
        if (_firstChunk is null) _firstChunk = Elapsed;
        else if (timeProvider.GetElapsedTime(_waitingSince) is var gap && gap > _largestGap) _largestGap = gap;
        Interlocked.Add(ref _bytes, length);
        Interlocked.Increment(ref _chunks);
    }

    public void End() => _end ??= Elapsed;

    /// <summary>The chunks as they come, counted; for readers that do not show them.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> WatchAsync(InvokeWithResponseStreamResponse response, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Waits();
        await foreach (var chunk in response.ReadOwnedChunksAsync(cancellationToken))
        {
            Chunk(chunk.Length);
            yield return chunk;
            Waits();
        }
    }

    public void Print(TextWriter writer)
    {
        writer.WriteLine($"request id   {ExternalText.ToLine(_requestId is { Length: > 0 } id ? id : "-")}");
        writer.WriteLine($"version      {ExternalText.ToLine(_version ?? "-")}");
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"chunks       {Chunks}"));
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bytes        {Bytes}"));
        writer.WriteLine($"head         {Show(_head)}");
        writer.WriteLine($"first chunk  {Show(_firstChunk)}");
        writer.WriteLine($"largest gap  {Show(Chunks > 1 ? _largestGap : null)}");
        writer.WriteLine($"total        {Show(Elapsed)}");
    }

    private static string Show(TimeSpan? time) => time is { } span ? Duration.Show(span) : "-";
}
