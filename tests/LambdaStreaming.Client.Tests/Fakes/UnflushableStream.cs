namespace LambdaStreaming.Tests;

/// <summary>A destination whose flush fails.</summary>
internal sealed class UnflushableStream : MemoryStream
{
    public override Task FlushAsync(CancellationToken cancellationToken) =>
        Task.FromException(new TimeZoneNotFoundException());
}
