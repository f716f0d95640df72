using LambdaStreaming.Testing.Faults;

namespace LambdaStreaming.Testing.Functions;

/// <summary>The output of one call of a function: its state, limits and faults.</summary>
/// <remarks>
/// <c>cancellation</c> is cancelled when the function must stop. <c>functionCancellation</c>, whose token the function
/// has, follows it. <c>aborted</c> is cancelled when the client disconnects or the server stops. Only <c>aborted</c>
/// interrupts what is being sent. Any other token ends the wait of the function, and the delays before a chunk.
/// </remarks>
#pragma warning disable CA1001 // The semaphore has no wait handle to dispose. An abandoned function might still use it.
internal sealed class FunctionOutput(
    IResponseBody body,
    InjectedFaults faults,
    ReceivedRequest request,
    TimeProvider timeProvider,
    CancellationTokenSource cancellation,
    CancellationTokenSource functionCancellation,
    CancellationToken aborted)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _writeLock = new(1);
    private readonly CancellationToken _stopToken = cancellation.Token;
    private readonly CancellationToken _functionToken = functionCancellation.Token;
    private readonly List<Interruption> _interruptions =
        [.. faults.Interruptions.OrderBy(interruption => interruption.AfterChunks)];

    private string _contentType = "application/octet-stream";
    private bool _hasStarted;
    private bool _isCompleting;
    private int _chunks;
    private long _payloadBytes;

    public LogTail Log { get; } = new();

    public FunctionError? Error { get; private set; }

    public string ContentType
    {
        get => _contentType;
        set
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(value);
            if (!IsContentType(value)) throw CreateContentTypeException();
            if (_hasStarted) throw CreateStartedException();
            _contentType = value;
        }
    }

    /// <summary>Whether a text can be sent as a content type.</summary>
    public static bool IsContentType(string text) =>
        !string.IsNullOrWhiteSpace(text) && !text.AsSpan().ContainsAnyExceptInRange(' ', '~');

    public Task StartAsync(CancellationToken cancellationToken) =>
        SendIfOpenAsync(_ => StartOnceAsync(), cancellationToken);

    public Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
        SendIfOpenAsync(token => SendChunkAsync(payload, token), cancellationToken);

    public Task AbortAsync(TruncationMode mode, CancellationToken cancellationToken) => SendIfOpenAsync(
        async _ =>
        {
            if (mode == TruncationMode.EndOfBody) await StartOnceAsync().ConfigureAwait(false);
            if (!body.HasEnded) await body.AbortAsync(mode).ConfigureAwait(false);
        },
        cancellationToken);

    public void Fail(string errorCode, string errorDetails)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(errorCode);
        ArgumentNullException.ThrowIfNull(errorDetails);
        Fail(new FunctionError(errorCode, errorDetails));
    }

    public void Fail(FunctionError error)
    {
        if (Error is not null) return;
        Error = error;
        // Set it now, not when the response is completed: a test can read it when its client has the response.
        request.SetFunctionError(error);
    }

    /// <summary>Ends the response, or waits until it has ended. Later writes of the function are rejected.</summary>
    public async Task CompleteAsync()
    {
        await _writeLock.WaitAsync(aborted).ConfigureAwait(false);
        try
        {
            if (body.HasEnded) return;
            // A stall holds the lock until the client disconnects or the server stops. In that case, do not complete
            // the response.
            aborted.ThrowIfCancellationRequested();
            _isCompleting = true;
            await StartOnceAsync().ConfigureAwait(false);
            await InterruptAsync(int.MaxValue).ConfigureAwait(false);
            if (!body.HasEnded) await body.CompleteAsync(Error, Log).ConfigureAwait(false);
        }
        finally
        {
            _writeLock.Release();
        }
    }

    /// <summary>Sends for the function, one write at a time.</summary>
    /// <exception cref="InvalidOperationException">The function has reported an error.</exception>
    /// <exception cref="OperationCanceledException">
    /// The function must stop: it timed out, its client disconnected, the server stops, or the response has ended.
    /// </exception>
    private async Task SendIfOpenAsync(Func<CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        // First: after a timeout, the size limit and an injected error, the response has an error, too.
        _functionToken.ThrowIfCancellationRequested();
        if (Error is not null) throw CreateFailedException();
        // Not the token of the function: another of its callbacks might never return.
        using var linked = cancellationToken == _functionToken
            ? null
            : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopToken);
        var token = linked?.Token ?? _stopToken;
        var sending = Task.CompletedTask;
        try
        {
            await _writeLock.WaitAsync(token).ConfigureAwait(false);
            sending = SendAndReleaseAsync(send, token);
            await sending.WaitAsync(token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The callbacks of a token might run this. The function, which might never return, must not run in them.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            FunctionRun.IgnoreUnobservedException(sending);
            if (aborted.IsCancellationRequested || _stopToken.IsCancellationRequested)
                FunctionRun.IgnoreUnobservedException(functionCancellation.CancelAsync());
            _functionToken.ThrowIfCancellationRequested();
            throw;
        }

        _functionToken.ThrowIfCancellationRequested();
    }

    private async Task SendAndReleaseAsync(Func<CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        try
        {
            if (_isCompleting) throw new OperationCanceledException(_functionToken);
            await send(cancellationToken).ConfigureAwait(false);
            if (body.HasEnded || Error is not null) await cancellation.CancelAsync().ConfigureAwait(false);
        }
        finally
        {
            _writeLock.Release();
        }
    }

    private async Task StartOnceAsync()
    {
        if (_hasStarted) return;
        _hasStarted = true;
        await body.StartAsync(_contentType).ConfigureAwait(false);
        await InterruptAsync(0).ConfigureAwait(false);
    }

    private async Task SendChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        // A stream over the limit is truncated at the limit, with this error. Source: Lambda's own code (rapid,
        // directinvoke.go).
        if (body.MaxPayloadBytes is { } limit && _payloadBytes + payload.Length > limit)
        {
            var rest = payload[..(int)(limit - _payloadBytes)];
            if (!rest.IsEmpty) await SendChunkAsync(rest, cancellationToken).ConfigureAwait(false);
            var details = $"Response payload size exceeded maximum allowed payload size ({limit} bytes).";
            Fail("Function.ResponseSizeTooLarge", details);
            return;
        }

        await StartOnceAsync().ConfigureAwait(false);
        if (faults.ChunkDelay > TimeSpan.Zero)
            await Task.Delay(faults.ChunkDelay, timeProvider, cancellationToken).ConfigureAwait(false);
        if (body.HasEnded || Error is not null) return;
        await body.WriteChunkAsync(payload, cancellationToken).ConfigureAwait(false);
        _payloadBytes += payload.Length;
        await InterruptAsync(++_chunks).ConfigureAwait(false);
    }

    private async Task InterruptAsync(int chunks)
    {
        while (!body.HasEnded && _interruptions is [var next, ..] && next.AfterChunks <= chunks)
        {
            _interruptions.RemoveAt(0);
            await body.InterruptAsync(next).ConfigureAwait(false);
            if (next.FunctionError is { } error) Fail(error);
            // The function's timeout does not end a stall.
            if (next.Stall)
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted).ConfigureAwait(false);
            if (next.Truncation is { } mode && !body.HasEnded) await body.AbortAsync(mode).ConfigureAwait(false);
        }
    }

    private static ArgumentException CreateContentTypeException() =>
        new("A content type can contain only printable ASCII characters, for example text/plain.", nameof(ContentType));

    private static InvalidOperationException CreateStartedException() =>
        new("The response has started. Set its content type before the first write.");

    private static InvalidOperationException CreateFailedException() =>
        new("The function has failed (Fail or an exception), which ends its response. Write before that.");
}
