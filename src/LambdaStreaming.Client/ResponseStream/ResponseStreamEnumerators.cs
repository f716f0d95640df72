using System.Buffers;
using System.Runtime.CompilerServices;

namespace LambdaStreaming.ResponseStream;

/// <summary>Enumerates the events of one response.</summary>
/// <remarks>
/// Not an iterator method, because its overhead for each event would be about the cost of decoding a small message.
/// </remarks>
internal sealed class ResponseStreamEventEnumerator(ResponseStreamReader reader, bool throwOnFunctionError)
    : IAsyncEnumerator<ResponseStreamEvent>
{
    // Only the kind, because storing the 16-byte event for each message would slow the fast path.
    private ResponseStreamEventKind _kind;

    public ResponseStreamEvent Current => _kind switch
    {
        ResponseStreamEventKind.PayloadChunk when !reader.IsDisposed =>
            new ResponseStreamEvent(reader, reader.Generation),
        // Also after disposal: a race must not hide that the response is complete.
        ResponseStreamEventKind.InvokeComplete => new ResponseStreamEvent(reader.InvokeComplete!),
        _ => default,
    };

    public ValueTask<bool> MoveNextAsync()
    {
        if (!reader.TryReadBufferedChunk()) return MoveNextCoreAsync();
        _kind = ResponseStreamEventKind.PayloadChunk;
        return new ValueTask<bool>(true);
    }

    public ValueTask DisposeAsync()
    {
        reader.Dispose();
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> MoveNextCoreAsync()
    {
        _kind = ResponseStreamEventKind.None;
        var kind = await reader.ReadNextAsync(throwOnFunctionError).ConfigureAwait(false);
        _kind = kind;
        return kind != ResponseStreamEventKind.None;
    }
}

/// <summary>Enumerates the chunks of one response. <c>InvokeComplete</c> ends the enumeration.</summary>
internal sealed class PayloadChunkEnumerator(ResponseStreamReader reader) : IAsyncEnumerator<PayloadChunk>
{
    private bool _hasCurrent;

    public PayloadChunk Current =>
        _hasCurrent && !reader.IsDisposed ? new PayloadChunk(reader, reader.Generation) : default;

    public ValueTask<bool> MoveNextAsync()
    {
        if (!reader.TryReadBufferedChunk()) return MoveNextCoreAsync();
        _hasCurrent = true;
        return new ValueTask<bool>(true);
    }

    public ValueTask DisposeAsync()
    {
        reader.Dispose();
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> MoveNextCoreAsync()
    {
        _hasCurrent = false;
        var kind = await reader.ReadNextAsync(throwOnFunctionError: true).ConfigureAwait(false);
        var hasCurrent = kind == ResponseStreamEventKind.PayloadChunk;
        _hasCurrent = hasCurrent;
        return hasCurrent;
    }
}

/// <summary>Enumerates copies of the chunks of one response.</summary>
internal static class OwnedChunks
{
    public static IAsyncEnumerator<ReadOnlyMemory<byte>> Enumerate(ResponseStreamReader reader) =>
        new GuardedEnumerator<ReadOnlyMemory<byte>>(CopyAsync(reader), reader);

    private static async IAsyncEnumerator<ReadOnlyMemory<byte>> CopyAsync(ResponseStreamReader reader)
    {
        while (reader.TryReadBufferedChunk()
            || await reader.ReadNextAsync(throwOnFunctionError: true).ConfigureAwait(false)
                == ResponseStreamEventKind.PayloadChunk)
        {
            yield return reader.CurrentPayload.ToArray();
        }
    }
}
