using FsCheck.Xunit;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Where the service cut the bytes changes no result.</summary>
public class ChunkBoundaryTests
{
    [Theory, MemberData(nameof(Shapes.Names), MemberType = typeof(Shapes))]
    public async Task Read_CutAtEveryByte_ResultIsTheSame(string name)
    {
        var shape = Shapes.Get(name);

        foreach (var chunks in Fragmented.EveryWay(shape.Payload))
        {
            await using var response = Fragmented.Response(chunks, metadata: shape.Head);
            Assert.Equal(shape.Outcome, await shape.ReadAsync(response));
        }
    }

    [Theory, MemberData(nameof(Shapes.Names), MemberType = typeof(Shapes))]
    public async Task Read_WireComesByteByByte_ResultIsTheSame(string name)
    {
        var shape = Shapes.Get(name);
        var wire = Wire.Create(shape.Payload[..(shape.Payload.Length / 2)], shape.Payload[(shape.Payload.Length / 2)..]);
        await using var response = InvokeWithResponseStreamResponse.Create(new ByteByByteStream(wire), shape.Head);

        Assert.Equal(shape.Outcome, await shape.ReadAsync(response));
    }

    [Property(MaxTest = 2000)]
    public async Task<bool> Read_CutAtRandom_ResultIsTheSame(uint shapeNumber, int[] sizes)
    {
        var shape = Shapes.All[(int)(shapeNumber % Shapes.All.Count)];
        await using var response = Fragmented.Response(Fragmented.At(shape.Payload, sizes), metadata: shape.Head);

        return string.Equals(await shape.ReadAsync(response), shape.Outcome, StringComparison.Ordinal);
    }
}
