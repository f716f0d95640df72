using LambdaStreaming.Testing.Functions;

namespace LambdaStreaming.Testing.Faults;

/// <summary>The faults injected into one call.</summary>
internal sealed class InjectedFaults
{
    public static readonly InjectedFaults None = new();

    public static readonly ServiceErrorResponse EventStreamError = new("InvalidParameterValueException")
    {
        Message = "An injected fault of this call inserts bytes into the event stream. It applies only to "
            + "InvokeWithResponseStream. The function did not run.",
    };

    public TimeSpan Delay { get; set; }

    public TimeSpan ChunkDelay { get; set; }

    /// <summary>A <see cref="ServiceErrorResponse"/> or <see cref="RawResponse"/> that replaces the function.</summary>
    public object? Replacement { get; set; }

    public TruncationMode? CloseBeforeHeaders { get; set; }

    public bool StallsBeforeHeaders { get; set; }

    public (long AfterBytes, TruncationMode Mode)? Truncation { get; set; }

    /// <summary>The offsets of the body bytes whose lowest bit is flipped.</summary>
    public List<long> FlippedBytes { get; } = [];

    public int? FragmentBytes { get; set; }

    public List<Interruption> Interruptions { get; } = [];

    /// <summary>Whether a fault has bytes that only an event stream can contain.</summary>
    public bool RequiresEventStream => Interruptions.Exists(
        interruption => interruption.Bytes.Length > 0 && interruption.Error is null);
}

/// <summary>Bytes inserted after a number of chunks, then an optional truncation, stall or function error.</summary>
/// <remarks><c>Error</c> is the error that the bytes represent, if a buffered response can report it.</remarks>
internal sealed record Interruption(
    int AfterChunks,
    byte[] Bytes,
    TruncationMode? Truncation,
    bool Stall,
    ServiceErrorResponse? Error,
    FunctionError? FunctionError);
