namespace LambdaStreaming.Tests;

/// <summary>Tests that load every processor, or that hold others to half a second: they run one after another, and nothing beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public class AloneCollection
{
    public const string Name = "alone";
}
