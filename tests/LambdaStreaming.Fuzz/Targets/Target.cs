using System.Globalization;
using System.Runtime.CompilerServices;

namespace LambdaStreaming.Fuzz;

/// <summary>Code that must handle any input.</summary>
/// <param name="Name">The name on the command line and in the corpus.</param>
/// <param name="Run">
/// Processes an input. Throws a <see cref="FindingException"/> or any unexpected exception if a promise is broken.
/// </param>
/// <param name="AllocationAllowance">
/// Maximum allocation of a run, in bytes, in addition to <see cref="AllocationPerInputByte"/> for each byte of input.
/// </param>
internal sealed record Target(string Name, Action<byte[]> Run, long AllocationAllowance)
{
    /// <summary>Maximum allocation per byte of input, including that of the naive decoder and of exceptions.</summary>
    /// <remarks>Allocating a declared length without checking it exceeds this value by far.</remarks>
    public const long AllocationPerInputByte = 2048;

    public static IReadOnlyList<Target> All { get; } =
    [
        new("decoder", DecoderTarget.Run, 256 * 1024),
        new("crc", CrcTarget.Run, 256 * 1024),
        new("structure", input => DecoderTarget.Run(WireRepair.FixChecksums(input)), 256 * 1024),
        new("headers", HeadersTarget.Run, 256 * 1024),
        new("round-trip", RoundTripTarget.Run, 1024 * 1024),
        new("reader", ReaderTarget.Run, 1024 * 1024),
        new("error-body", ErrorBodyTarget.Run, 256 * 1024),
        new("prelude", PreludeTarget.Run, 1024 * 1024),
        new("invoke-complete", InvokeCompleteTarget.Run, 256 * 1024),
        new("payload", PayloadTarget.Run, 2 * 1024 * 1024),
        new("event-writer", EventWriterTarget.Run, 256 * 1024),
        new("runtime-api", RuntimeApiTarget.Run, 512 * 1024),
        new("cli-payload", CliPayloadTarget.Run, 1024 * 1024),
        new("cli-arguments", CliArgumentsTarget.Run, 1024 * 1024),
        new("cli-output", CliOutputTarget.Run, 1024 * 1024),
    ];

    public static Target Get(string name)
    {
        var names = string.Join(", ", All.Select(target => target.Name));
        return All.FirstOrDefault(target => target.Name == name)
            ?? throw new ArgumentException($"Unknown target '{name}'. Valid targets: {names}.");
    }

    /// <summary>Runs once and checks the allocated bytes. All targets run on the calling thread.</summary>
    public void RunChecked(byte[] input)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(input);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > AllocationAllowance + (AllocationPerInputByte * input.Length))
            throw new FindingException($"{allocated} bytes were allocated for an input of {input.Length} bytes.");
    }
}

/// <summary>The exception for a broken promise.</summary>
internal sealed class FindingException(string message) : Exception(message)
{
    public static void Unless(bool holds, string message)
    {
        if (!holds) throw new FindingException(message);
    }

    public static void Unless(
        bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref FindingMessage message)
    {
        if (!holds) throw new FindingException(message.ToString());
    }
}

/// <summary>A message that is created only for a finding: most executions would take longer to format it.</summary>
[InterpolatedStringHandler]
internal ref struct FindingMessage
{
    private DefaultInterpolatedStringHandler _text;

    public FindingMessage(int literalLength, int formattedCount, bool holds, out bool isEnabled)
    {
        isEnabled = !holds;
        if (isEnabled) _text = new(literalLength, formattedCount, CultureInfo.InvariantCulture);
    }

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

    public override string ToString() => _text.ToStringAndClear();
}
