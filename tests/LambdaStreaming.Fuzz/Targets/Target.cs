namespace LambdaStreaming.Fuzz;

/// <summary>One thing that is fed any bytes at all.</summary>
/// <param name="Name">Its name on the command line and in the corpus.</param>
/// <param name="Run">Feeds it; throws a <see cref="FindingException"/>, or whatever came out that must not, where a promise is broken.</param>
/// <param name="AllocationAllowance">How many bytes a run may allocate, beside <see cref="AllocationsAByte"/> for each byte of its input.</param>
internal sealed record Target(string Name, Action<byte[]> Run, long AllocationAllowance)
{
    /// <summary>What oracles and exceptions cost is in here too: a claimed length that is believed goes far beyond it.</summary>
    public const long AllocationsAByte = 2048;

    public static IReadOnlyList<Target> All { get; } =
    [
        new("decoder", DecoderTarget.Run, 256 * 1024),
        new("structure", input => DecoderTarget.Run(WireRepair.Sealed(input)), 256 * 1024),
        new("headers", HeadersTarget.Run, 256 * 1024),
        new("round-trip", RoundTripTarget.Run, 1024 * 1024),
        new("reader", ReaderTarget.Run, 1024 * 1024),
        new("error-body", ErrorBodyTarget.Run, 256 * 1024),
        new("prelude", PreludeTarget.Run, 1024 * 1024),
        new("invoke-complete", InvokeCompleteTarget.Run, 256 * 1024),
        new("payload", PayloadTarget.Run, 2 * 1024 * 1024),
    ];

    public static Target Named(string name) => All.FirstOrDefault(target => target.Name == name) ?? throw new ArgumentException($"There is no target {name}; there are {string.Join(", ", All.Select(target => target.Name))}.");

    /// <summary>Runs once and checks what it allocated. All targets run on the calling thread.</summary>
    public void RunChecked(byte[] input)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(input);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > AllocationAllowance + (AllocationsAByte * input.Length)) throw new FindingException($"{allocated} bytes were allocated for an input of {input.Length}.");
    }
}

/// <summary>A promise was broken.</summary>
internal sealed class FindingException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    public static void Unless(bool holds, string message)
    {
        if (!holds) throw new FindingException(message);
    }
}
