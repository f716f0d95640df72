namespace LambdaStreaming.Testing.Faults;

/// <summary>What one call meets instead of, or on top of, what the function does.</summary>
internal sealed class InjectedFaults
{
    public static readonly InjectedFaults None = new();

    public TimeSpan Delay { get; set; }

    public TimeSpan ChunkDelay { get; set; }

    /// <summary>A <see cref="ServiceErrorResponse"/> or a <see cref="RawResponse"/> in the place of the function.</summary>
    public object? Instead { get; set; }

    public TruncationMode? CloseBeforeHeaders { get; set; }

    public bool StallsBeforeHeaders { get; set; }

    public (long AfterBytes, TruncationMode Mode)? Cut { get; set; }

    /// <summary>Offsets of bytes of the body whose lowest bit is flipped.</summary>
    public List<long> FlippedBytes { get; } = [];

    public int? FragmentBytes { get; set; }

    public List<Interruption> Interruptions { get; } = [];
}

/// <summary>What happens to the stream once so many chunks were sent: bytes of our own, then perhaps a cut or silence.</summary>
internal sealed record Interruption(int AfterChunks, byte[] Bytes, TruncationMode? Cut = null, bool Silence = false);
