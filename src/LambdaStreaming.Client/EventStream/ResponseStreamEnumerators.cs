namespace LambdaStreaming.EventStream;

/// <summary>The events of one answer. Hand-written: an iterator method would cost about as much as decoding a small message (ARCHITECTURE.md, "Speed").</summary>
internal sealed class ResponseStreamEventEnumerator(ResponseStreamReader reader, bool throwOnFunctionError) : IAsyncEnumerator<ResponseStreamEvent>
{
    // Not the event itself: storing that for each message costs as much as recognising its headers.
    private ResponseStreamEventKind _kind;

    public ResponseStreamEvent Current => _kind switch
    {
        ResponseStreamEventKind.PayloadChunk => new ResponseStreamEvent(reader, reader.Generation),
        ResponseStreamEventKind.InvokeComplete => new ResponseStreamEvent(reader.InvokeComplete!),
        _ => default,
    };

    public ValueTask<bool> MoveNextAsync()
    {
        if (reader.TryTakeBufferedChunk())
        {
            _kind = ResponseStreamEventKind.PayloadChunk;
            return new ValueTask<bool>(true);
        }

        return MoveSlowlyAsync();
    }

    public ValueTask DisposeAsync()
    {
        _kind = ResponseStreamEventKind.None;
        return reader.DisposeAsync();
    }

    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> MoveSlowlyAsync()
    {
        _kind = ResponseStreamEventKind.None;
        _kind = await reader.ReadNextAsync(throwOnFunctionError).ConfigureAwait(false);
        return _kind != ResponseStreamEventKind.None;
    }
}

/// <summary>The chunks of one answer; its end is the end of the enumeration.</summary>
internal sealed class PayloadChunkEnumerator(ResponseStreamReader reader) : IAsyncEnumerator<PayloadChunk>
{
    private bool _hasCurrent;

    public PayloadChunk Current => _hasCurrent ? new PayloadChunk(reader, reader.Generation) : default;

    public ValueTask<bool> MoveNextAsync()
    {
        if (reader.TryTakeBufferedChunk())
        {
            _hasCurrent = true;
            return new ValueTask<bool>(true);
        }

        return MoveSlowlyAsync();
    }

    public ValueTask DisposeAsync()
    {
        _hasCurrent = false;
        return reader.DisposeAsync();
    }

    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> MoveSlowlyAsync()
    {
        _hasCurrent = false;
        var kind = await reader.ReadNextAsync(throwOnFunctionError: true).ConfigureAwait(false);

        // Nothing comes after InvokeComplete: asking again reads the body to its end, so that the connection can be used again.
        if (kind == ResponseStreamEventKind.InvokeComplete) kind = await reader.ReadNextAsync(throwOnFunctionError: true).ConfigureAwait(false);
        return _hasCurrent = kind == ResponseStreamEventKind.PayloadChunk;
    }
}

/// <summary>What <c>ReadChunksAsync</c> returns; the one enumeration begins with its enumerator.</summary>
internal sealed class PayloadChunkEnumerable(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken) : IAsyncEnumerable<PayloadChunk>
{
    public IAsyncEnumerator<PayloadChunk> GetAsyncEnumerator(CancellationToken enumeratorToken = default) => response.EnumerateChunks(cancellationToken, enumeratorToken);
}
