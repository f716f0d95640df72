namespace LambdaStreaming.Testing.Tests;

/// <summary>Skips tests that take too long for .ci/run. eng/nightly runs them.</summary>
internal static class Nightly
{
    public static void SkipUnlessRequested(string reason) => Assert.SkipUnless(
        Environment.GetEnvironmentVariable("LAMBDASTREAMING_NIGHTLY") is not null,
        $"{reason} Set LAMBDASTREAMING_NIGHTLY=1 to run it.");
}
