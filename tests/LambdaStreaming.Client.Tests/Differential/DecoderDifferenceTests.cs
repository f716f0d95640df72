using System.Buffers.Binary;
using System.Text;
using Amazon.Runtime.EventStreams;
using LambdaStreaming.Fuzz;
using LambdaStreaming.Testing.Tests;
using LambdaStreaming.Tests.Conformance;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Differential;

/// <summary>
/// Comparison of the decoder under test, the decoder of AWSSDK.Core and <see cref="NaiveDecoder"/> on the same bytes.
/// </summary>
/// <remarks>
/// Each difference from AWSSDK.Core must be in <see cref="Known"/> and in docs/internals/reliability.md.
/// </remarks>
[Trait("Repeats", "ForMinutes")]
public class DecoderDifferenceTests
{
    private const int MaxMessageBytes = 64 * 1024 * 1024;

    // AWSSDK.Core allocates the declared length, so these tests skip larger lengths.
    private const uint MaxPeerLength = 32 * 1024 * 1024;

    /// <summary>The outcome of this decoder, that of AWSSDK.Core, and the reason for the difference.</summary>
    internal static readonly (NaiveEnd Ours, string Theirs, string Why)[] Known =
    [
        (
            NaiveEnd.Truncated,
            "no error",
            "It receives bytes, but not the information that they have ended: a truncated stream looks complete."),
        (
            NaiveEnd.MalformedHeader,
            "no error",
            "It accepts empty names, duplicate names (the last one applies), values over 32,767 bytes and "
            + "invalid UTF-8."),
        (
            NaiveEnd.MalformedLength,
            "no error",
            "It has no limit: it reads a header block over 131,072 bytes, and waits for any claimed length with a "
            + "buffer of that size."),
        (
            NaiveEnd.PreludeChecksum,
            "no error",
            "It checks this checksum only after the complete message has arrived, even if a damaged message prelude "
            + "claims a huge length."),
        (
            NaiveEnd.Complete,
            "another error",
            "It rejects a timestamp outside .NET's range of dates, which a valid message can have in a header."),
        (
            NaiveEnd.MessageChecksum,
            "another error",
            "It reads the headers of a damaged message before it compares the checksum."),
    ];

    public static IEnumerable<TheoryDataRow<string, string>> Cases =>
        from folder in new[] { "valid", "invalid", "lenient" }
        from name in ConformanceData.Names("eventstream/" + folder)
        select new TheoryDataRow<string, string>(folder, name.Data);

    [Theory, MemberData(nameof(Cases))]
    public void Decode_ConformanceCase_EqualsOrDiffersAsListed(string folder, string name)
    {
        var wire = ConformanceData.Bytes(ConformanceData.Load("eventstream/" + folder, name)["wire"]);

        Compare(wire);
    }

    [Fact]
    public void Decode_RandomValidStreams_AllDecodersAgree()
    {
        var random = new Random(20261123);
        for (var i = 0; i < 2_000; i++)
        {
            var wire = CreateRandomStream(random);

            Compare(wire);

            Assert.Equal(
                (NaiveEnd.Complete, "no error"),
                (NaiveDecoder.Decode(wire, MaxMessageBytes).End, PeerDecoder.Decode(wire).End));
        }
    }

    // With valid checksums, more of each input is decoded. This takes longer, so fewer inputs are used.
    [Theory, InlineData(false, 20_000), InlineData(true, 8_000)]
    public void Decode_Mutations_EqualOrDifferAsListed(bool hasValidChecksums, int count)
    {
        var mutator = new Mutator(Seeds.Get(Target.Get("decoder")), seed: 5);
        for (var i = 0; i < Nightly.CountOf(count); i++)
        {
            var wire = mutator.Next();

            // Skip long inputs, because the naive decoder is slow.
            if (wire.Length > 2048) continue;
            Compare(hasValidChecksums ? WireRepair.FixChecksums(wire) : wire);
        }
    }

    [Fact]
    public void Decode_AwsSdkReceivesAMessageLength_AllocatesIt()
    {
        var message = Messages.Raw([], new byte[LambdaStreamingClientOptions.DefaultMaxMessageBytes - 15]);
        var prelude = message[..13];

        var before = GC.GetAllocatedBytesForCurrentThread();
        var peer = PeerDecoder.Decode(prelude);

        Assert.Equal("no error", peer.End);
        Assert.InRange(
            GC.GetAllocatedBytesForCurrentThread() - before,
            LambdaStreamingClientOptions.DefaultMaxMessageBytes,
            long.MaxValue);
    }

    [Fact]
    public void Known_EachDifference_IsInTheDocumentation()
    {
        var page = LambdaStreaming.Docs.Tests.Repository.Read("docs", "internals", "reliability.md");

        Assert.All(Known, difference => Assert.Contains(
            $"| {GetName(difference.Ours)} | {difference.Theirs} | {difference.Why} |",
            page,
            StringComparison.Ordinal));
    }

    private static void Compare(byte[] wire)
    {
        // Compares this decoder with NaiveDecoder for several splits, and throws if they differ.
        DecoderTarget.Run(wire);
        if (ExceedsMaxPeerLength(wire)) return;

        var naive = NaiveDecoder.Decode(wire, MaxMessageBytes);
        var peer = PeerDecoder.Decode(wire);

        // If AWSSDK.Core returned more messages, it accepted the bytes at which this decoder ends. That counts as no
        // error.
        var end = peer.Messages.Count > naive.Messages.Count ? "no error" : GetErrorClass(peer.End);

        for (var i = 0; i < Math.Min(naive.Messages.Count, peer.Messages.Count); i++)
            CompareMessage(naive.Messages[i], peer.Messages[i], wire);

        // If AWSSDK.Core failed at a message that this decoder accepts, compare its error with the outcome Complete.
        var ours = peer.Messages.Count < naive.Messages.Count && end != "no error" ? NaiveEnd.Complete : naive.End;
        if (Agrees(ours, end)) return;
        var isKnown = Array.Exists(
            Known,
            difference => difference.Ours == ours && difference.Theirs == end);
        Assert.True(isKnown, Describe());

        string Describe() =>
            $"Not listed: this decoder ends with {naive.End} after {naive.Messages.Count} messages, AWSSDK.Core with "
            + $"{peer.End} after {peer.Messages.Count}. Bytes: "
            + Convert.ToHexString(wire.AsSpan(0, Math.Min(wire.Length, 600)));
    }

    private static string GetName(NaiveEnd end) => end switch
    {
        NaiveEnd.Complete => "complete",
        NaiveEnd.Truncated => "truncated",
        NaiveEnd.PreludeChecksum => "wrong checksum of the message prelude",
        NaiveEnd.MalformedLength => "malformed length",
        NaiveEnd.MessageChecksum => "wrong message checksum",
        _ => "malformed header",
    };

    private static string GetErrorClass(string end) => end switch
    {
        "no error" => end,
        nameof(EventStreamChecksumFailureException) => "checksum error",
        _ => "another error",
    };

    // For invalid lengths and headers, AWSSDK.Core throws several types: ArgumentException, OverflowException and
    // EventStreamParseException.
    private static bool Agrees(NaiveEnd ours, string theirs) => theirs == ours switch
    {
        NaiveEnd.Complete => "no error",
        NaiveEnd.PreludeChecksum or NaiveEnd.MessageChecksum => "checksum error",
        NaiveEnd.MalformedLength or NaiveEnd.MalformedHeader => "another error",
        _ => null,
    };

    private static void CompareMessage(NaiveMessage ours, IEventStreamMessage theirs, byte[] wire)
    {
        Assert.Equal(ours.Payload, theirs.Payload);
        Assert.Equal(ours.Headers.Count, theirs.Headers.Count);
        foreach (var header in ours.Headers)
        {
            var other = theirs.Headers[Encoding.UTF8.GetString(header.Name)];
            var value = header.Value;
            switch (header.Type)
            {
                case 0 or 1:
                    Assert.Equal(header.Type == 0, other.AsBool());
                    break;
                case 2:
                    Assert.Equal((sbyte)value[0], other.AsSByte());
                    break;
                case 3:
                    Assert.Equal(BinaryPrimitives.ReadInt16BigEndian(value), other.AsInt16());
                    break;
                case 4:
                    Assert.Equal(BinaryPrimitives.ReadInt32BigEndian(value), other.AsInt32());
                    break;
                case 5:
                    Assert.Equal(BinaryPrimitives.ReadInt64BigEndian(value), other.AsInt64());
                    break;
                case 6:
                    Assert.Equal(value, other.AsByteBuf());
                    break;
                case 7:
                    Assert.Equal(Encoding.UTF8.GetString(value), other.AsString());
                    break;
                // A known difference: AWSSDK.Core reads the first three groups of a UUID in little-endian order.
                case 9:
                    Assert.Equal(new Guid(value), other.AsUUID());
                    break;
                default:
                    Assert.True(header.Type == 8, $"Type {header.Type} in {Convert.ToHexString(wire)}");
                    break;
            }
        }
    }

    private static bool ExceedsMaxPeerLength(byte[] wire)
    {
        for (long at = 0; at + 4 <= wire.Length;)
        {
            var total = BinaryPrimitives.ReadUInt32BigEndian(wire.AsSpan((int)at));
            if (total > MaxPeerLength) return true;
            at += Math.Max(total, 1);
        }

        return false;
    }

    private static byte[] CreateRandomStream(Random random)
    {
        var wire = new List<byte>();
        for (var messages = random.Next(1, 6); messages > 0; messages--)
        {
            var block = new List<byte>();
            for (var headers = random.Next(0, 8); headers > 0; headers--)
            {
                // Without timestamps and UUIDs, which the conformance cases cover.
                var type = (byte)random.Next(8);
                var length = type switch { 0 or 1 => 0, 2 => 1, 3 => 2, 4 => 4, 5 => 8, _ => random.Next(40) };
                var value = type == 7
                    ? Encoding.UTF8.GetBytes(new string('é', length / 2))
                    : CreateRandomBytes(random, length);
                block.AddRange([3, (byte)('a' + headers), (byte)'-', (byte)random.Next('a', 'z'), type]);
                if (type >= 6) block.AddRange([0, (byte)value.Length]);
                block.AddRange(value);
            }

            wire.AddRange(Messages.Raw([.. block], CreateRandomBytes(random, random.Next(200))));
        }

        return [.. wire];
    }

    private static byte[] CreateRandomBytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
