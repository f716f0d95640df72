using System.Buffers;
using System.Buffers.Binary;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>The reason that the decoder reports for each kind of damage.</summary>
public class DecoderReasonTests
{
    [Theory]
    [InlineData(8, ResponseStreamCorruptionReason.PreludeChecksum)]
    [InlineData(19, ResponseStreamCorruptionReason.MessageChecksum)]
    public void TryRead_ChecksumDamaged_ReportsWhichChecksum(int at, ResponseStreamCorruptionReason reason)
    {
        var message = Messages.Raw([], "payload"u8);
        message[at] ^= 1;

        Assert.Equal(reason, GetReason(message));
    }

    [Theory]
    [InlineData(15u, 0u)]
    [InlineData(200_001u, 0u)]
    [InlineData(uint.MaxValue, 0u)]
    [InlineData(200_000u, 131_073u)]
    [InlineData(40u, 25u)]
    public void TryRead_LengthIsImpossible_ReportsMalformedLength(uint total, uint headers)
    {
        var prelude = new byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(prelude, total);
        BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(4), headers);
        BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(8), Messages.Crc(prelude.AsSpan(0, 8)));

        Assert.Equal(ResponseStreamCorruptionReason.MalformedLength, GetReason(prelude));
    }

    [Theory]
    [InlineData("00")]
    [InlineData("01")]
    [InlineData("026e6e")]
    [InlineData("01ff00")]
    [InlineData("016e0a")]
    [InlineData("016e02")]
    [InlineData("016e0300")]
    [InlineData("016e04000000")]
    [InlineData("016e0500000000000000")]
    [InlineData("016e0800000000000000")]
    [InlineData("016e09000000000000000000000000000000")]
    [InlineData("016e0600")]
    [InlineData("016e068000")]
    [InlineData("016e07000261")]
    [InlineData("016e070001ff")]
    [InlineData("016e00016e01")]
    public void TryRead_HeaderIsMalformed_ReportsMalformedHeader(string block) => Assert.Equal(
        ResponseStreamCorruptionReason.MalformedHeader,
        GetReason(Messages.Raw(Convert.FromHexString(block), "payload"u8)));

    private static ResponseStreamCorruptionReason GetReason(byte[] bytes)
    {
        var exception = Assert.Throws<ResponseStreamCorruptException>(() =>
        {
            var buffer = new ReadOnlySequence<byte>(bytes);
            EventStreamDecoder.TryRead(ref buffer, 200_000, default, out _);
        });
        return exception.Reason;
    }
}
