using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>Values at and above every limit of the decoder.</summary>
public class DecoderLimitTests
{
    private const int MaxMessageBytes = 200_000;

    [Fact]
    public void TryRead_MessageAtTheLimit_Succeeds() =>
        Assert.Equal(100, Read(Messages.Raw([], new byte[84]), 100).TotalLength);

    [Fact]
    public void TryRead_MessageAboveTheLimit_ThrowsAfterItsPrelude()
    {
        var prelude = Messages.Raw([], new byte[85])[..EventStreamDecoder.PreludeBytes];

        Assert.Equal(ResponseStreamCorruptionReason.MalformedLength, ReadInvalid(prelude, 100));
    }

    [Fact]
    public void TryRead_HeadersAtTheLimit_Succeeds() =>
        Assert.Equal(131_072, Read(Messages.Raw(Block(131_072), []), MaxMessageBytes).Headers.Length);

    [Fact]
    public void TryRead_HeadersAboveTheLimit_Throws() => Assert.Equal(
        ResponseStreamCorruptionReason.MalformedLength,
        ReadInvalid(Messages.Raw(Block(131_073), []), MaxMessageBytes));

    [Fact]
    public void TryRead_HeaderValueAtTheLimit_Succeeds() => Assert.Equal(
        32_767 + 5,
        Read(Messages.Raw(Header("n", 6, new byte[32_767]), []), MaxMessageBytes).Headers.Length);

    [Fact]
    public void TryRead_HeaderValueAboveTheLimit_Throws() => Assert.Equal(
        ResponseStreamCorruptionReason.MalformedHeader,
        ReadInvalid(Messages.Raw(Header("n", 6, new byte[32_768]), []), MaxMessageBytes));

    [Theory, InlineData(15, 16), InlineData(16, 17), InlineData(17, 18), InlineData(99, 100)]
    public void TryRead_HeaderNameIsRepeated_ThrowsAtAnyPosition(int first, int second)
    {
        var names = Enumerable.Range(0, 101).Select(i => $"name{i}").ToArray();
        names[second] = names[first];

        var message = Messages.Raw([.. names.SelectMany(name => Header(name, 0, []))], []);
        Assert.Equal(ResponseStreamCorruptionReason.MalformedHeader, ReadInvalid(message, MaxMessageBytes));
    }

    [Theory, InlineData(16), InlineData(17), InlineData(18), InlineData(101)]
    public void TryRead_HeaderNamesAreDifferent_SucceedsForAnyCount(int count)
    {
        var block = Enumerable.Range(0, count).SelectMany(i => Header($"name{i}", 1, [])).ToArray();

        Assert.Equal(block.Length, Read(Messages.Raw(block, []), MaxMessageBytes).Headers.Length);
    }

    [Fact]
    public void TryRead_HeadersFillTheMessage_Succeeds() =>
        Assert.Equal(0, Read(Messages.Raw(Header("n", 0, []), []), MaxMessageBytes).Payload.Length);

    [Fact]
    public void StartsWithCompleteMessage_ValidMessage_ReturnsItsLengths()
    {
        var message = Messages.Raw(Header("n", 0, []), "payload"u8);

        Assert.True(
            EventStreamDecoder.StartsWithCompleteMessage(message, message.Length, out var total, out var headers));

        Assert.Equal((message.Length, 3), (total, headers));
    }

    [Fact]
    public void StartsWithCompleteMessage_EmptyMessage_IsTrue() =>
        Assert.True(EventStreamDecoder.StartsWithCompleteMessage(Messages.Raw([], []), 16, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_LastByteIsMissing_IsFalse() => Assert.False(
        EventStreamDecoder.StartsWithCompleteMessage(Messages.Raw([], "payload"u8).AsSpan()[..^1], 1000, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_MessageAboveTheLimit_IsFalse() =>
        Assert.False(EventStreamDecoder.StartsWithCompleteMessage(Messages.Raw([], "payload"u8), 22, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_TotalLengthBelowMinimum_IsFalse() =>
        Assert.False(EventStreamDecoder.StartsWithCompleteMessage(Prelude(15, 0, 40), 1000, out _, out _));

    [Theory, InlineData(25u), InlineData(uint.MaxValue)]
    public void StartsWithCompleteMessage_HeadersLongerThanTheMessage_IsFalse(uint headers) =>
        Assert.False(EventStreamDecoder.StartsWithCompleteMessage(Prelude(40, headers, 40), 1000, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_HeadersFillTheMessage_IsTrue() =>
        Assert.True(EventStreamDecoder.StartsWithCompleteMessage(Prelude(40, 24, 40), 1000, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_HeadersAtTheLimit_IsTrue() => Assert.True(
        EventStreamDecoder.StartsWithCompleteMessage(Messages.Raw(Block(131_072), []), MaxMessageBytes, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_HeadersAboveTheLimit_IsFalse() => Assert.False(
        EventStreamDecoder.StartsWithCompleteMessage(Messages.Raw(Block(131_073), []), MaxMessageBytes, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_PreludeChecksumDiffers_IsFalse()
    {
        var message = Messages.Raw([], "payload"u8);
        message[9] ^= 1;

        Assert.False(EventStreamDecoder.StartsWithCompleteMessage(message, 1000, out _, out _));
    }

    private static byte[] Prelude(uint total, uint headers, int bytes)
    {
        var message = new byte[bytes];
        BinaryPrimitives.WriteUInt32BigEndian(message, total);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(4), headers);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), Messages.Crc(message.AsSpan(0, 8)));
        return message;
    }

    private static byte[] Header(string name, byte type, byte[] value) =>
    [
        (byte)name.Length,
        .. Encoding.UTF8.GetBytes(name),
        type,
        .. type == 6 ? (byte[])[(byte)(value.Length >> 8), (byte)value.Length] : [],
        .. value,
    ];

    // Creates byte arrays of at most 30,000 bytes, then one that fills the block.
    private static byte[] Block(int length)
    {
        var block = new List<byte>();
        for (var i = 0; block.Count < length; i++)
        {
            var value = new byte[Math.Min(30_000, length - block.Count - 5)];
            block.AddRange(Header(((char)('a' + i)).ToString(), 6, value));
        }

        return [.. block];
    }

    private static EventStreamMessage Read(byte[] bytes, int maxMessageBytes)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        Assert.True(EventStreamDecoder.TryRead(ref buffer, maxMessageBytes, default, out var message));
        Assert.True(buffer.IsEmpty);
        return message;
    }

    private static ResponseStreamCorruptionReason ReadInvalid(byte[] bytes, int maxMessageBytes)
    {
        var exception = Assert.Throws<ResponseStreamCorruptException>(() =>
        {
            var buffer = new ReadOnlySequence<byte>(bytes);
            EventStreamDecoder.TryRead(ref buffer, maxMessageBytes, default, out _);
        });
        return exception.Reason;
    }
}
