using System.Text;
using FsCheck.Xunit;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Independence of all readers from the boundaries of the chunks.</summary>
public class ChunkBoundaryTests
{
    [Theory, MemberData(nameof(PayloadCases.Names), MemberType = typeof(PayloadCases))]
    public async Task Read_PayloadSplitAtEveryByte_ResultIsTheSame(string name)
    {
        var payloadCase = PayloadCases.Get(name);

        foreach (var chunks in Fragmented.SplitEveryWay(payloadCase.Payload))
        {
            await using var response = Fragmented.Response(chunks, metadata: payloadCase.Metadata);
            Assert.Equal(payloadCase.Outcome, await payloadCase.ReadAsync(response));
        }
    }

    // The first and the last surrogate pair.
    [Theory, InlineData("utf-16LE"), InlineData("utf-16BE")]
    public async Task ReadTextAsync_SurrogatePairIsSplit_ResultIsTheSame(string encodingName)
    {
        const string Text = "a\U00010000b\U0010FFFDc";
        var encoding = Encoding.GetEncoding(encodingName);
        var options = new PayloadReadOptions { Encoding = encoding };
        foreach (var chunks in Fragmented.SplitEveryWay(encoding.GetBytes(Text)))
        {
            await using var response = Fragmented.Response(chunks);
            Assert.Equal(Text, string.Concat(await LimitTests.ToListAsync(response.ReadTextAsync(options))));
        }
    }

    [Theory, MemberData(nameof(PayloadCases.Names), MemberType = typeof(PayloadCases))]
    public async Task Read_StreamReturnsOneBytePerRead_ResultIsTheSame(string name)
    {
        var payloadCase = PayloadCases.Get(name);
        var wire = Wire.Create(
            payloadCase.Payload[..(payloadCase.Payload.Length / 2)],
            payloadCase.Payload[(payloadCase.Payload.Length / 2)..]);
        await using var response =
            InvokeWithResponseStreamResponse.Create(new ByteByByteStream(wire), payloadCase.Metadata);

        Assert.Equal(payloadCase.Outcome, await payloadCase.ReadAsync(response));
    }

    [Property(MaxTest = 2000)]
    public async Task<bool> Read_PayloadSplitAtRandom_ResultIsTheSame(uint caseNumber, int[] sizes)
    {
        var payloadCase = PayloadCases.All[(int)(caseNumber % PayloadCases.All.Count)];
        await using var response =
            Fragmented.Response(Fragmented.SplitAt(payloadCase.Payload, sizes), metadata: payloadCase.Metadata);

        return string.Equals(await payloadCase.ReadAsync(response), payloadCase.Outcome, StringComparison.Ordinal);
    }
}
