namespace LambdaStreaming.Tests;

/// <summary>
/// Tests that use every processor, measure the entire process, or have short time limits. They run one after another,
/// and no other test runs then.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public class NonParallelCollection
{
    public const string Name = "non-parallel";
}
