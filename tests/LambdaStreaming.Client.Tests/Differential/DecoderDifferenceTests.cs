using System.Buffers.Binary;
using System.Text;
using Amazon.Runtime.EventStreams;
using LambdaStreaming.Fuzz;
using LambdaStreaming.Tests.Conformance;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Differential;

/// <summary>Our decoder, AWSSDK.Core's and the naive one on the same bytes. Where AWS's differs, the difference is one of the list here and in docs/reliability.md.</summary>
[Trait("Repeats", "ForMinutes")]
public class DecoderDifferenceTests
{
    private const int MaxMessageBytes = 64 * 1024 * 1024;

    // AWSSDK.Core allocates what a length claims; these tests need not.
    private const uint LargestClaimForThePeer = 32 * 1024 * 1024;

    /// <summary>How our decoder ends, how AWSSDK.Core's does, and why that is so.</summary>
    public static readonly (string Ours, string Theirs, string Why)[] Known =
    [
        ("Truncated", "no error", "It is fed bytes and never told that they have ended: a cut stream looks like a whole one."),
        ("MalformedHeader", "no error", "It takes empty names, names that come twice (the last one counts), values over 32,767 bytes and text that is no UTF-8."),
        ("MalformedLength", "no error", "It has no limit: a header block over 131,072 bytes is read, and a claimed length is waited for with a buffer of that size."),
        ("PreludeChecksum", "no error", "It looks at the prelude's checksum only once the whole message has come, whatever length a damaged prelude claims."),
        ("Whole", "another error", "It can't take a timestamp that is no date of .NET, which one header of a sound message may hold."),
        ("MessageChecksum", "another error", "It reads the headers of a damaged message before it compares the checksum."),
    ];

    public static IEnumerable<TheoryDataRow<string, string>> Cases =>
        new[] { "valid", "invalid", "lenient" }.SelectMany(folder => ConformanceData.Names("eventstream/" + folder).Select(name => new TheoryDataRow<string, string>(folder, name.Data)));

    [Theory, MemberData(nameof(Cases))]
    public void Decode_ConformanceCase_AgreesOrDiffersAsListed(string folder, string name)
    {
        var wire = ConformanceData.Bytes(ConformanceData.Load("eventstream/" + folder, name)["wire"]);

        Compare(wire);
    }

    [Fact]
    public void Decode_RandomValidStreams_AllThreeAgree()
    {
        var random = new Random(20261123);
        for (var i = 0; i < 2_000; i++)
        {
            var wire = RandomStream(random);

            Compare(wire);

            Assert.Equal((NaiveEnd.Whole, "no error"), (NaiveDecoder.Decode(wire, MaxMessageBytes).End, PeerDecoder.Decode(wire).End));
        }
    }

    // Behind right checksums more is decoded, which takes the longer.
    [Theory, InlineData(false, 20_000), InlineData(true, 8_000)]
    public void Decode_Mutations_AgreeOrDifferAsListed(bool withRightChecksums, int count)
    {
        var mutator = new Mutator(Seeds.Get(Target.Named("decoder")), seed: 5);
        for (var i = 0; i < count; i++)
        {
            var wire = mutator.Next();
            if (wire.Length > 2048) continue;   // the naive decoder is slow
            Compare(withRightChecksums ? WireRepair.Sealed(wire) : wire);
        }
    }

    [Fact]
    public void Peer_MessageClaimsALength_AllocatesIt()
    {
        var prelude = Messages.Raw([], new byte[LambdaStreamingClientOptions.DefaultMaxMessageBytes - 15]).AsSpan(0, 13).ToArray();

        var before = GC.GetAllocatedBytesForCurrentThread();
        var peer = PeerDecoder.Decode(prelude);

        Assert.Equal("no error", peer.End);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, LambdaStreamingClientOptions.DefaultMaxMessageBytes, long.MaxValue);
    }

    [Fact]
    public void Known_EachDifference_StandsInTheDocs()
    {
        var page = File.ReadAllText(Path.Combine(LambdaStreaming.Docs.Tests.Repository.Root, "docs", "reliability.md"));

        Assert.All(Known, difference => Assert.Contains($"| {difference.Ours} | {difference.Theirs} | {difference.Why} |", page, StringComparison.Ordinal));
    }

    private static void Compare(byte[] wire)
    {
        // Ours against the naive one, over cuts; that throws where they differ.
        DecoderTarget.Run(wire);
        if (ClaimsTooMuchForThePeer(wire)) return;

        var naive = NaiveDecoder.Decode(wire, MaxMessageBytes);
        var peer = PeerDecoder.Decode(wire);

        // Where it read on past what ends ours, it took that without an error, whatever came of it later.
        var end = peer.Messages.Count > naive.Messages.Count ? "no error" : ClassOf(peer.End);

        for (var i = 0; i < Math.Min(naive.Messages.Count, peer.Messages.Count); i++) CompareMessage(naive.Messages[i], peer.Messages[i], wire);

        // And where it failed at a message that ours takes, what comes of ours later has no counterpart.
        var ours = peer.Messages.Count < naive.Messages.Count && end != "no error" ? NaiveEnd.Whole : naive.End;
        if (Agrees(ours, end)) return;
        Assert.True(Array.Exists(Known, difference => difference.Ours == ours.ToString() && difference.Theirs == end), $"Not listed: ours ends {naive.End} after {naive.Messages.Count}, AWSSDK.Core with {peer.End} after {peer.Messages.Count}: {Convert.ToHexString(wire.AsSpan(0, Math.Min(wire.Length, 600)))}");
    }

    private static string ClassOf(string end) => end is "no error" ? end : end == nameof(EventStreamChecksumFailureException) ? "checksum error" : "another error";

    // For bad lengths and headers it throws types of many kinds: ArgumentException, OverflowException, EventStreamParseException.
    private static bool Agrees(NaiveEnd ours, string theirs) => theirs == ours switch
    {
        NaiveEnd.Whole => "no error",
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
                case 0 or 1: Assert.Equal(header.Type == 0, other.AsBool()); break;
                case 2: Assert.Equal((sbyte)value[0], other.AsSByte()); break;
                case 3: Assert.Equal(BinaryPrimitives.ReadInt16BigEndian(value), other.AsInt16()); break;
                case 4: Assert.Equal(BinaryPrimitives.ReadInt32BigEndian(value), other.AsInt32()); break;
                case 5: Assert.Equal(BinaryPrimitives.ReadInt64BigEndian(value), other.AsInt64()); break;
                case 6: Assert.Equal(value, other.AsByteBuf()); break;
                case 7: Assert.Equal(Encoding.UTF8.GetString(value), other.AsString()); break;
                // A known difference: it reads the first three groups of a UUID in the machine's order.
                case 9: Assert.Equal(new Guid(value), other.AsUUID()); break;
                default: Assert.True(header.Type == 8, $"Type {header.Type} in {Convert.ToHexString(wire)}"); break;
            }
        }
    }

    private static bool ClaimsTooMuchForThePeer(byte[] wire)
    {
        for (long at = 0; at + 4 <= wire.Length;)
        {
            var total = BinaryPrimitives.ReadUInt32BigEndian(wire.AsSpan((int)at));
            if (total > LargestClaimForThePeer) return true;
            at += Math.Max(total, 1);
        }

        return false;
    }

    private static byte[] RandomStream(Random random)
    {
        var wire = new List<byte>();
        for (var messages = random.Next(1, 6); messages > 0; messages--)
        {
            var block = new List<byte>();
            for (var headers = random.Next(0, 8); headers > 0; headers--)
            {
                var type = (byte)random.Next(8);   // timestamps and UUIDs: the conformance cases have them
                var length = type switch { 0 or 1 => 0, 2 => 1, 3 => 2, 4 => 4, 5 => 8, _ => random.Next(40) };
                var value = type == 7 ? Encoding.UTF8.GetBytes(new string('é', length / 2)) : RandomBytes(random, length);
                block.AddRange([3, (byte)('a' + headers), (byte)'-', (byte)random.Next('a', 'z'), type]);
                if (type >= 6) block.AddRange([0, (byte)value.Length]);
                block.AddRange(value);
            }

            wire.AddRange(Messages.Raw([.. block], RandomBytes(random, random.Next(200))));
        }

        return [.. wire];
    }

    private static byte[] RandomBytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
