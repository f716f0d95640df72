using System.Globalization;
using System.Text;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Responses whose payload is split into chunks, and descriptions of the outcome of reading them.</summary>
internal static class Fragmented
{
    /// <summary>
    /// Yields the payload as one chunk, as two chunks split at every position, and as chunks of one byte.
    /// </summary>
    public static IEnumerable<byte[][]> SplitEveryWay(byte[] payload)
    {
        yield return [payload];
        for (var at = 1; at < payload.Length; at++) yield return [payload[..at], payload[at..]];
        yield return [.. payload.Select(value => new[] { value })];
    }

    /// <summary>Splits the payload into chunks whose sizes cycle through |size mod 7|.</summary>
    /// <remarks>A size can be 0; if all are 0, each chunk has one byte. Without sizes, there is one chunk.</remarks>
    public static byte[][] SplitAt(byte[] payload, IReadOnlyList<int> sizes)
    {
        var chunks = new List<byte[]>();
        var at = 0;
        for (var i = 0; at < payload.Length; i++)
        {
            var size = sizes.Count == 0 ? payload.Length : Math.Abs(sizes[i % sizes.Count] % 7);
            if (sizes.Count > 0 && sizes.All(value => value % 7 == 0)) size = 1;
            var end = Math.Min(payload.Length, at + size);
            chunks.Add(payload[at..end]);
            at = end;
        }

        return [.. chunks];
    }

    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> Chunks(IEnumerable<byte[]> chunks)
    {
        await Task.CompletedTask;
        foreach (var chunk in chunks) yield return chunk;
    }

    public static InvokeWithResponseStreamResponse Response(
        IEnumerable<byte[]> chunks,
        InvokeComplete? complete = null,
        Exception? failure = null,
        ResponseStreamMetadata? metadata = null) =>
        InvokeWithResponseStreamResponse.Create(Chunks(chunks), complete, failure, metadata);

    public static InvokeWithResponseStreamResponse Response(
        string payload,
        InvokeComplete? complete = null,
        Exception? failure = null,
        ResponseStreamMetadata? metadata = null) =>
        Response([Encoding.UTF8.GetBytes(payload)], complete, failure, metadata);

    /// <summary>Describes the elements that were read and the exception that ended the reading.</summary>
    public static async Task<string> OutcomeAsync<T>(IAsyncEnumerable<T> elements, Func<T, string> show)
    {
        var outcome = new StringBuilder();
        try
        {
            await foreach (var element in elements) outcome.Append('<').Append(show(element)).Append('>');
        }
        catch (Exception exception)
        {
            outcome.Append('!').Append(Show(exception));
        }

        return outcome.ToString();
    }

    public static async Task<string> OutcomeAsync(Task<string> text)
    {
        try
        {
            return $"<{await text}>";
        }
        catch (Exception exception)
        {
            return $"!{Show(exception)}";
        }
    }

    /// <summary>
    /// Joins text elements, whose boundaries have no meaning. Asserts that no element splits a surrogate pair.
    /// </summary>
    public static async IAsyncEnumerable<string> JoinAsync(IAsyncEnumerable<string> text)
    {
        var all = new StringBuilder();
        Exception? failure = null;
        try
        {
            await foreach (var part in text)
            {
                Assert.NotEmpty(part);
                Assert.False(char.IsLowSurrogate(part[0]) || char.IsHighSurrogate(part[^1]));
                all.Append(part);
            }
        }
        catch (LambdaStreamingException exception)
        {
            failure = exception;
        }

        yield return all.ToString();
        if (failure is not null) throw failure;
    }

    private static string Show(Exception exception) => exception switch
    {
        PayloadFormatException format => $"format at {Show(format.ByteOffset)}, value {Show(format.ValueIndex)}",
        PayloadLimitExceededException limit => $"{limit.Limit} {limit.LimitBytes} at {limit.ByteOffset}",
        FunctionErrorException error => $"function error {error.ErrorCode}",
        ResponseStreamTruncatedException => "truncated",
        _ => $"{exception.GetType().Name}: {exception.Message}",
    };

    private static string Show(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
