using System.Buffers;
using System.Buffers.Binary;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>What the decoder says of each kind of damage, word for word: whoever reads it at night gets the numbers that were on the wire.</summary>
public class CorruptionTextTests
{
    [Fact]
    public void TryRead_PreludeDamaged_SaysBothChecksums()
    {
        var message = Messages.Raw([], "payload"u8);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), 0xDEADBEEF);

        Assert.Equal($"The message's prelude carries the CRC-32 deadbeef, but its bytes give {Messages.Crc(message.AsSpan(0, 8)):x8}. The stream was damaged, or it is no event stream.", TextOf(message));
    }

    [Fact]
    public void TryRead_MessageDamaged_SaysBothChecksums()
    {
        var message = Messages.Raw([], "payload"u8);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(19), 0x0000BEEF);

        Assert.Equal($"A message of 23 bytes carries the CRC-32 0000beef, but its bytes give {Messages.Crc(message.AsSpan(0, 19)):x8}. It was damaged on the way.", TextOf(message));
    }

    [Theory]
    [InlineData(15u, 0u, "A message claims a length of 15 bytes; the smallest has 16.")]
    [InlineData(uint.MaxValue, 0u, "A message claims a length of 4294967295 bytes; at most 200000 are taken. If that is genuine, raise MaxMessageBytes.")]
    [InlineData(200_000u, 131_073u, "A message claims 131073 bytes of headers; at most 131072 are taken.")]
    [InlineData(40u, 25u, "A message of 40 bytes claims 25 bytes of headers; there is room for 24.")]
    public void TryRead_LengthCannotBe_SaysWhichAndWhatIsTaken(uint total, uint headers, string text)
    {
        var prelude = new byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(prelude, total);
        BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(4), headers);
        BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(8), Messages.Crc(prelude.AsSpan(0, 8)));

        Assert.Equal(text, TextOf(prelude));
    }

    [Theory]
    [InlineData("00", "A header has an empty name.")]
    [InlineData("01", "A header's name claims 1 bytes; only 0 are left in the block, its type included.")]
    [InlineData("026e6e", "A header's name claims 2 bytes; only 2 are left in the block, its type included.")]
    [InlineData("01ff00", "A header's name is not UTF-8.")]
    [InlineData("016e0a", "A header has the type 10; the types are 0 to 9.")]
    [InlineData("016e02", "The value of a header of type Byte needs 1 bytes; only 0 are left in the block.")]
    [InlineData("016e0300", "The value of a header of type Short needs 2 bytes; only 1 are left in the block.")]
    [InlineData("016e04000000", "The value of a header of type Int needs 4 bytes; only 3 are left in the block.")]
    [InlineData("016e0500000000000000", "The value of a header of type Long needs 8 bytes; only 7 are left in the block.")]
    [InlineData("016e0800000000000000", "The value of a header of type Timestamp needs 8 bytes; only 7 are left in the block.")]
    [InlineData("016e09000000000000000000000000000000", "The value of a header of type Uuid needs 16 bytes; only 15 are left in the block.")]
    [InlineData("016e0600", "The length of a header's value needs 2 bytes; only 1 are left in the block.")]
    [InlineData("016e068000", "A header's value claims 32768 bytes; at most 32767 are taken.")]
    [InlineData("016e07000261", "The value of a header of type String needs 2 bytes; only 1 are left in the block.")]
    [InlineData("016e070001ff", "The value of a string header is not UTF-8.")]
    [InlineData("016e00016e01", "Two headers of a message have the same name.")]
    public void TryRead_HeaderMalformed_SaysHow(string block, string text) => Assert.Equal(text, TextOf(Messages.Raw(Convert.FromHexString(block), "payload"u8)));

    private static string TextOf(byte[] bytes) => Assert.Throws<ResponseStreamCorruptException>(() =>
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        EventStreamDecoder.TryRead(ref buffer, 200_000, out _);
    }).Message;
}
