using System.Text;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Makes answers of a payload cut into chunks in every way, and tells what a reader made of them.</summary>
internal static class Fragmented
{
    /// <summary>Whole; in two at every byte; one byte a chunk.</summary>
    public static IEnumerable<byte[][]> EveryWay(byte[] payload)
    {
        yield return [payload];
        for (var at = 1; at < payload.Length; at++) yield return [payload[..at], payload[at..]];
        yield return [.. payload.Select(value => new[] { value })];
    }

    /// <summary>At random places: each size is that of one chunk, empty ones included, again and again.</summary>
    public static byte[][] At(byte[] payload, IReadOnlyList<int> sizes)
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

    public static InvokeWithResponseStreamResponse Response(IEnumerable<byte[]> chunks, InvokeComplete? complete = null, Exception? failure = null, ResponseStreamMetadata? metadata = null) =>
        InvokeWithResponseStreamResponse.Create(Chunks(chunks), complete, failure, metadata);

    public static InvokeWithResponseStreamResponse Response(string payload, InvokeComplete? complete = null, Exception? failure = null, ResponseStreamMetadata? metadata = null) =>
        Response([Encoding.UTF8.GetBytes(payload)], complete, failure, metadata);

    /// <summary>What was read, one element a line, and the exception that ended it.</summary>
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

    /// <summary>Joins the elements of text, whose borders mean nothing.</summary>
    public static async IAsyncEnumerable<string> Joined(IAsyncEnumerable<string> text)
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
        PayloadFormatException format => $"format at {format.ByteOffset?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-"}, value {format.ValueIndex?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-"}",
        PayloadLimitExceededException limit => $"{limit.Limit} {limit.LimitBytes} at {limit.ByteOffset}",
        FunctionErrorException error => $"function error {error.ErrorCode}",
        ResponseStreamTruncatedException => "truncated",
        _ => $"{exception.GetType().Name}: {exception.Message}",
    };
}
