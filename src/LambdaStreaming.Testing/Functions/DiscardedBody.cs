using LambdaStreaming.Testing.Faults;

namespace LambdaStreaming.Testing.Functions;

/// <summary>The output of an asynchronous invocation, which nobody receives.</summary>
internal sealed class DiscardedBody : IResponseBody
{
    public long? MaxPayloadBytes => null;

    public bool HasEnded { get; private set; }

    public Task StartAsync(string contentType) => Task.CompletedTask;

    public Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    public Task InterruptAsync(Interruption interruption) => Task.CompletedTask;

    public Task AbortAsync(TruncationMode mode)
    {
        HasEnded = true;
        return Task.CompletedTask;
    }

    public Task CompleteAsync(FunctionError? error, LogTail log)
    {
        HasEnded = true;
        return Task.CompletedTask;
    }
}
