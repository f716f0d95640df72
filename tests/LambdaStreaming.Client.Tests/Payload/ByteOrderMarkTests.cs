namespace LambdaStreaming.Tests.Payload;

/// <summary>Removal of a byte order mark at the beginning of the payload, for every split into chunks.</summary>
public class ByteOrderMarkTests
{
    public static TheoryData<byte[], string> Beginnings => new()
    {
        { [0xEF, 0xBB, 0xBF], "" },
        { [0xEF, 0xBB, 0xBF, (byte)'1', (byte)'\n'], "<1>" },
        { [0xEF, 0xBB, 0xBF, 0xEF, 0xBB, 0xBF, (byte)'\n'], "<\uFEFF>" },
        { [0xEF, 0xBB], "<\uFFFD>" },
        { [0xEF], "<\uFFFD>" },
        { [(byte)'1', (byte)'\n', 0xEF, 0xBB, 0xBF, (byte)'2', (byte)'\n'], "<1><\uFEFF2>" },
    };

    [Theory, MemberData(nameof(Beginnings))]
    public async Task ReadLinesAsync_PayloadBeginsWithByteOrderMark_RemovesOnlyTheMark(byte[] payload, string expected)
    {
        foreach (var chunks in Fragmented.SplitEveryWay(payload))
        {
            await using var response = Fragmented.Response(chunks);

            Assert.Equal(expected, await Fragmented.OutcomeAsync(response.ReadLinesAsync(), line => line));
        }
    }

    [Fact]
    public async Task ReadJsonValuesAsync_PayloadBeginsWithByteOrderMark_RemovesIt()
    {
        foreach (var chunks in Fragmented.SplitEveryWay([0xEF, 0xBB, 0xBF, (byte)'1', (byte)' ', (byte)'2', (byte)' ']))
        {
            await using var response = Fragmented.Response(chunks);

            Assert.Equal("<1><2>", await Fragmented.OutcomeAsync(
                response.ReadJsonValuesAsync(TestJson.Default.Int32),
                value => $"{value}"));
        }
    }
}
