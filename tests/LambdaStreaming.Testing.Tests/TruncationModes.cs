namespace LambdaStreaming.Testing.Tests;

/// <summary>Modes for tests that compare the bytes that the client receives.</summary>
internal static class TruncationModes
{
    /// <summary>The modes after which the client receives all bytes that were sent.</summary>
    public static IEnumerable<TruncationMode> WithoutLoss =>
        Enum.GetValues<TruncationMode>().Where(mode => !IsLossy(mode));

    /// <summary>A reset, except on Windows.</summary>
    public static TruncationMode ResetWithoutLoss =>
        IsLossy(TruncationMode.Reset) ? TruncationMode.Close : TruncationMode.Reset;

    public static void SkipIfLossy(TruncationMode mode) =>
        Assert.SkipWhen(IsLossy(mode), "Windows discards the bytes before a reset that the client has not read.");

    private static bool IsLossy(TruncationMode mode) =>
        mode == TruncationMode.Reset && OperatingSystem.IsWindows();
}
