using System.Buffers;
using System.Buffers.Binary;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>Both sides of every limit of the decoder, each once.</summary>
public class DecoderLimitTests
{
    private const int MaxMessageBytes = 200_000;

    [Fact]
    public void TryRead_MessageOfTheLimit_IsTaken() => Assert.Equal(100, Read(Messages.Raw([], new byte[84]), 100).TotalLength);

    [Fact]
    public void TryRead_MessageAboveTheLimit_IsRefusedAtItsPrelude() =>
        Assert.Equal(ResponseStreamCorruptionReason.MalformedLength, Refused(Messages.Raw([], new byte[85]).AsSpan(0, EventStreamDecoder.PreludeBytes).ToArray(), 100));

    [Fact]
    public void TryRead_HeadersOfTheLimit_AreTaken() => Assert.Equal(131_072, Read(Messages.Raw(Block(131_072), []), MaxMessageBytes).Headers.Length);

    [Fact]
    public void TryRead_HeadersAboveTheLimit_AreRefused() => Assert.Equal(ResponseStreamCorruptionReason.MalformedLength, Refused(Messages.Raw(Block(131_073), []), MaxMessageBytes));

    [Fact]
    public void TryRead_ValueOfTheLimit_IsTaken() => Assert.Equal(32_767 + 5, Read(Messages.Raw(Header("n", 6, new byte[32_767]), []), MaxMessageBytes).Headers.Length);

    [Fact]
    public void TryRead_ValueAboveTheLimit_IsRefused() => Assert.Equal(ResponseStreamCorruptionReason.MalformedHeader, Refused(Messages.Raw(Header("n", 6, new byte[32_768]), []), MaxMessageBytes));

    [Theory, InlineData(15, 16), InlineData(16, 17), InlineData(17, 18), InlineData(99, 100)]
    public void TryRead_NameThatComesAgain_IsRefusedWhereverItStands(int first, int second)
    {
        var names = Enumerable.Range(0, 101).Select(i => $"name{i}").ToArray();
        names[second] = names[first];

        Assert.Equal(ResponseStreamCorruptionReason.MalformedHeader, Refused(Messages.Raw([.. names.SelectMany(name => Header(name, 0, []))], []), MaxMessageBytes));
    }

    [Theory, InlineData(16), InlineData(17), InlineData(18), InlineData(101)]
    public void TryRead_DifferentNames_AreTakenHoweverMany(int count)
    {
        var block = Enumerable.Range(0, count).SelectMany(i => Header($"name{i}", 1, [])).ToArray();

        Assert.Equal(block.Length, Read(Messages.Raw(block, []), MaxMessageBytes).Headers.Length);
    }

    [Fact]
    public void TryRead_LengthsAtTheirBorder_HeadersFillTheMessage() => Assert.Equal(0, Read(Messages.Raw(Header("n", 0, []), []), MaxMessageBytes).Payload.Length);

    [Fact]
    public void StartsWithCompleteMessage_SoundMessage_GivesItsLengths()
    {
        var message = Messages.Raw(Header("n", 0, []), "payload"u8);

        Assert.True(EventStreamDecoder.StartsWithCompleteMessage(message, message.Length, out var total, out var headers));

        Assert.Equal((message.Length, 3), (total, headers));
    }

    [Fact]
    public void StartsWithCompleteMessage_EmptyMessage_IsOne() => Assert.True(EventStreamDecoder.StartsWithCompleteMessage(Messages.Raw([], []), 16, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_OneByteShort_IsNone() => Assert.False(EventStreamDecoder.StartsWithCompleteMessage(Messages.Raw([], "payload"u8).AsSpan()[..^1], 1000, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_AboveTheLimit_IsNone() => Assert.False(EventStreamDecoder.StartsWithCompleteMessage(Messages.Raw([], "payload"u8), 22, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_TotalBelowTheSmallest_IsNone() => Assert.False(EventStreamDecoder.StartsWithCompleteMessage(Prelude(15, 0, 40), 1000, out _, out _));

    [Theory, InlineData(25u), InlineData(uint.MaxValue)]
    public void StartsWithCompleteMessage_HeadersBeyondTheMessage_IsNone(uint headers) => Assert.False(EventStreamDecoder.StartsWithCompleteMessage(Prelude(40, headers, 40), 1000, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_HeadersFillTheMessage_IsOne() => Assert.True(EventStreamDecoder.StartsWithCompleteMessage(Prelude(40, 24, 40), 1000, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_HeadersOfTheLimit_IsOne() => Assert.True(EventStreamDecoder.StartsWithCompleteMessage(Messages.Raw(Block(131_072), []), MaxMessageBytes, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_HeadersAboveTheLimit_IsNone() => Assert.False(EventStreamDecoder.StartsWithCompleteMessage(Messages.Raw(Block(131_073), []), MaxMessageBytes, out _, out _));

    [Fact]
    public void StartsWithCompleteMessage_PreludeChecksumDiffers_IsNone()
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
        type == 6 ? [(byte)name.Length, .. System.Text.Encoding.UTF8.GetBytes(name), type, (byte)(value.Length >> 8), (byte)value.Length, .. value] : [(byte)name.Length, .. System.Text.Encoding.UTF8.GetBytes(name), type, .. value];

    // Byte arrays of at most 30,000 bytes, then one that fills the block.
    private static byte[] Block(int length)
    {
        var block = new List<byte>();
        for (var i = 0; block.Count < length; i++) block.AddRange(Header(((char)('a' + i)).ToString(), 6, new byte[Math.Min(30_000, length - block.Count - 5)]));
        return [.. block];
    }

    private static EventStreamMessage Read(byte[] bytes, int maxMessageBytes)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        Assert.True(EventStreamDecoder.TryRead(ref buffer, maxMessageBytes, out var message));
        Assert.True(buffer.IsEmpty);
        return message;
    }

    private static ResponseStreamCorruptionReason Refused(byte[] bytes, int maxMessageBytes) => Assert.Throws<ResponseStreamCorruptException>(() =>
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        EventStreamDecoder.TryRead(ref buffer, maxMessageBytes, out _);
    }).Reason;
}
