using System.Globalization;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The exit codes of runtime processes.</summary>
internal static class RuntimeExit
{
    private const int SignalBase = 128;
    private const int MaxSignal = 64;

    // Source: dotnet/runtime, docs/design/features/host-error-codes.md, FrameworkMissingFailure. Unix keeps 8 bits.
    private const int FrameworkMissing = unchecked((int)0x80008096);

    /// <summary>Describes an exit in Lambda's words.</summary>
    public static string Describe(int exitCode, bool isDotNet)
    {
        if (exitCode == 0) return "without providing a reason";
        var (kind, number) = IsSignal(exitCode) ? ("signal", exitCode - SignalBase) : ("exit status", exitCode);
        var reason = string.Create(CultureInfo.InvariantCulture, $"with error: {kind} {number}");
        var isFrameworkMissing = isDotNet && exitCode is (FrameworkMissing or (FrameworkMissing & 0xFF));
        return isFrameworkMissing
            ? reason + ". The required version of .NET is not installed. Install it, or set RollForward in the project."
            : reason;
    }

    // Shells and .NET report a process that a signal ended with the exit code 128 plus the number of the signal. The
    // signals 17 to 23 and 28 do not end a process by default, neither on Linux nor on macOS. For example, the .NET
    // host exits with 147 and 150.
    private static bool IsSignal(int exitCode) =>
        !OperatingSystem.IsWindows()
        && exitCode is > SignalBase and <= SignalBase + MaxSignal
        && (exitCode - SignalBase) is not ((>= 17 and <= 23) or 28);
}
