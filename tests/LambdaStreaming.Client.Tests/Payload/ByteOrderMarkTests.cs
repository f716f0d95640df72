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
        foreach (var chunks in Cut.EveryWay(payload))
        {
            await using var response = Cut.Answer(chunks);

            Assert.Equal(expected, await Cut.OutcomeAsync(response.ReadLinesAsync(), line => line));
        }
    }

    [Fact]
    public async Task ReadJsonAsync_MarkAtTheBeginning_IsLeftOut()
    {
        foreach (var chunks in Cut.EveryWay([0xEF, 0xBB, 0xBF, (byte)'1', (byte)' ', (byte)'2', (byte)' ']))
        {
            await using var response = Cut.Answer(chunks);

            Assert.Equal("<1><2>", await Cut.OutcomeAsync(response.ReadJsonAsync(TestJson.Default.Int32), value => $"{value}"));
        }
    }
}
