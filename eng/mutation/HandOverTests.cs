namespace LambdaStreaming.Mutation.Tests;

/// <summary>
/// Copies the assembly into which Stryker compiled all mutants, so that judge.py can run the client's tests with it.
/// </summary>
public class HandOverTests
{
    [Fact]
    public void MutatedAssembly_DestinationIsSet_IsCopied()
    {
        if (Environment.GetEnvironmentVariable("MUTATED_ASSEMBLY") is { } destination)
            File.Copy(typeof(LambdaStreamingClient).Assembly.Location, destination, overwrite: true);
    }
}
