using LambdaStreaming.Testing.Faults;

namespace LambdaStreaming.Testing.Functions;

/// <summary>How the output of a function is sent to the client.</summary>
/// <remarks>
/// Only one member runs at a time, and none after the response has ended. What a member has begun to send, it sends
/// completely, unless the client disconnects or the server stops.
/// </remarks>
internal interface IResponseBody
{
    /// <summary>The maximum number of payload bytes, or <see langword="null"/> without a limit.</summary>
    long? MaxPayloadBytes { get; }

    /// <summary>Whether the response is complete or aborted, so that nothing more can be written.</summary>
    bool HasEnded { get; }

    /// <summary>Starts the response. Called once, before all other members except <see cref="AbortAsync"/>.</summary>
    Task StartAsync(string contentType);

    /// <summary>Sends one chunk. The token cancels only the wait before the chunk is sent.</summary>
    /// <remarks>If the token is cancelled while the payload is copied, the chunk is not sent.</remarks>
    Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken);

    /// <summary>Inserts the bytes or the error of an injected fault.</summary>
    Task InterruptAsync(Interruption interruption);

    /// <summary>Ends the response before its proper end.</summary>
    Task AbortAsync(TruncationMode mode);

    /// <summary>Ends the response properly, with the error of the function if there is one.</summary>
    Task CompleteAsync(FunctionError? error, LogTail log);
}
