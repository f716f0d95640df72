namespace LambdaStreaming.Mutation.Tests;

public class HandOverTests
{
    /// <summary>Stryker compiles all mutants into one assembly and puts it beside its tests; this copies it to where the real tests meet it.</summary>
    [Fact]
    public void MutatedAssembly_IsHandedOver()
    {
        if (Environment.GetEnvironmentVariable("MUTATED_ASSEMBLY") is { } destination)
            File.Copy(typeof(LambdaStreamingClient).Assembly.Location, destination, overwrite: true);
    }
}
