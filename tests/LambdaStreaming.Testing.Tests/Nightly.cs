namespace LambdaStreaming.Testing.Tests;

/// <summary>Skips or shortens tests that take too long for .ci/run. eng/nightly runs all of them.</summary>
internal static class Nightly
{
    private static bool IsRequested => Environment.GetEnvironmentVariable("LAMBDASTREAMING_NIGHTLY") is not null;

    public static void SkipUnlessRequested(string reason) =>
        Assert.SkipUnless(IsRequested, $"{reason} Set LAMBDASTREAMING_NIGHTLY=1 to run it.");

    /// <summary>Returns the number of random inputs to test: a tenth, unless the long run is requested.</summary>
    public static int CountOf(int inputs) => IsRequested ? inputs : inputs / 10;
}
