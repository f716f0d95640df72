namespace LambdaStreaming.Tests.Payload;

/// <summary>A byte order mark is left out at the very beginning, wherever it is cut; what only begins like one is kept.</summary>
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
    public async Task ReadLinesAsync_Beginning_LeavesOutTheMarkAlone(byte[] payload, string expected)
    {
        foreach (var chunks in Fragmented.EveryWay(payload))
        {
            await using var response = Fragmented.Response(chunks);

            Assert.Equal(expected, await Fragmented.OutcomeAsync(response.ReadLinesAsync(), line => line));
        }
    }

    [Fact]
    public async Task ReadJsonValuesAsync_MarkAtTheBeginning_IsLeftOut()
    {
        foreach (var chunks in Fragmented.EveryWay([0xEF, 0xBB, 0xBF, (byte)'1', (byte)' ', (byte)'2', (byte)' ']))
        {
            await using var response = Fragmented.Response(chunks);

            Assert.Equal("<1><2>", await Fragmented.OutcomeAsync(response.ReadJsonValuesAsync(TestJson.Default.Int32), value => $"{value}"));
        }
    }
}
