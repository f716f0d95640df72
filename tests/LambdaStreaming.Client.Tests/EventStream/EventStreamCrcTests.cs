using System.Buffers;
using System.IO.Hashing;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>The CRC-32 of the decoder equals that of System.IO.Hashing.</summary>
/// <remarks>
/// eng/ci/crc-paths.sh runs these tests once for each set of processor instructions that the implementation can use.
/// </remarks>
public sealed class EventStreamCrcTests
{
    private static readonly byte[] Data = CreateData(2 * 1024 * 1024);

    [Fact]
    public void Compute_EachLengthAtEachAlignment_EqualsSystemIOHashing()
    {
        for (var length = 0; length <= 4096; length++)
        {
            for (var offset = 0; offset < 64; offset++)
            {
                var bytes = Data.AsSpan(offset, length);
                if (EventStreamCrc.Compute(bytes) == Crc32.HashToUInt32(bytes)) continue;
                Assert.Fail($"{length} bytes at {offset}");
            }
        }
    }

    [Fact]
    public void Compute_LongInputs_EqualsSystemIOHashing()
    {
        var random = new Random(3);
        for (var i = 0; i < 50; i++)
        {
            var offset = random.Next(64);
            var length = random.Next(4096, Data.Length - offset);
            var bytes = Data.AsSpan(offset, length);
            Assert.True(EventStreamCrc.Compute(bytes) == Crc32.HashToUInt32(bytes), $"{length} bytes at {offset}");
        }
    }

    [Theory]
    [InlineData(1), InlineData(7), InlineData(8), InlineData(15), InlineData(16), InlineData(33), InlineData(600)]
    public void Compute_TwoSegmentsSplitAtEachOffset_EqualsOneSegment(int length)
    {
        var bytes = Data[..length];
        var expected = Crc32.HashToUInt32(bytes);
        for (var at = 0; at <= length; at++)
        {
            Assert.True(EventStreamCrc.Compute(Fragments.SplitAt(bytes, at)) == expected, $"split at {at}");
        }
    }

    [Fact]
    public void Compute_ManySegments_EqualsOneSegment()
    {
        var random = new Random(4);
        for (var i = 0; i < 200; i++)
        {
            var bytes = Data[..random.Next(1, 3000)];
            var sequence = Fragments.SplitBySize(bytes, random.Next(1, 40), emptyBetween: i % 2 == 0);
            Assert.Equal(Crc32.HashToUInt32(bytes), EventStreamCrc.Compute(sequence));
        }
    }

    [Fact]
    public void ComputeOfEight_LongerInput_IsTheCrcOfItsFirstEightBytes()
    {
        for (var offset = 0; offset < 1000; offset++)
        {
            var expected = Crc32.HashToUInt32(Data.AsSpan(offset, 8));
            Assert.Equal(expected, EventStreamCrc.ComputeOfEight(Data.AsSpan(offset, 20)));
        }
    }

    [Fact]
    public void Compute_CheckInputOfTheStandard_IsTheCheckValue()
    {
        // Source: RFC 1952 polynomial; "Catalogue of parametrised CRC algorithms", CRC-32/ISO-HDLC, check.
        Assert.Equal(0xCBF43926, EventStreamCrc.Compute("123456789"u8));
    }

    private static byte[] CreateData(int length)
    {
        var data = new byte[length];
        new Random(5).NextBytes(data);
        return data;
    }
}
