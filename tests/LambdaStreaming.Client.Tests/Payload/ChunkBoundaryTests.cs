using FsCheck.Xunit;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Where the service cut the bytes changes no result.</summary>
public class ChunkBoundaryTests
{
    [Theory, MemberData(nameof(Shapes.Names), MemberType = typeof(Shapes))]
    public async Task Read_CutAtEveryByte_ResultIsTheSame(string name)
    {
        var shape = Shapes.Of(name);

        foreach (var chunks in Cut.EveryWay(shape.Payload))
        {
            await using var response = Cut.Answer(chunks, head: shape.Head);
            Assert.Equal(shape.Outcome, await shape.ReadAsync(response));
        }
    }

    [Theory, MemberData(nameof(Shapes.Names), MemberType = typeof(Shapes))]
    public async Task Read_WireComesByteByByte_ResultIsTheSame(string name)
    {
        var shape = Shapes.Of(name);
        var wire = Wire.Of(shape.Payload[..(shape.Payload.Length / 2)], shape.Payload[(shape.Payload.Length / 2)..]);
        await using var response = InvokeWithResponseStreamResponse.Create(new ByteByByteStream(wire), shape.Head);

        Assert.Equal(shape.Outcome, await shape.ReadAsync(response));
    }

    [Property(MaxTest = 2000)]
    public async Task<bool> Read_CutAtRandom_ResultIsTheSame(uint shapeNumber, int[] sizes)
    {
        var shape = Shapes.All[(int)(shapeNumber % Shapes.All.Count)];
        await using var response = Cut.Answer(Cut.At(shape.Payload, sizes), head: shape.Head);

        return string.Equals(await shape.ReadAsync(response), shape.Outcome, StringComparison.Ordinal);
    }
}
