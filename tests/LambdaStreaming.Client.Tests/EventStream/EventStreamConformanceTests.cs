using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LambdaStreaming.EventStream;
using LambdaStreaming.Tests.Conformance;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>All cases of conformance/eventstream, each with every split into fragments.</summary>
public class EventStreamConformanceTests
{
    private const int MaxMessageBytes = LambdaStreamingClientOptions.DefaultMaxMessageBytes;

    public static IEnumerable<TheoryDataRow<string>> Valid => ConformanceData.Names("eventstream/valid");

    public static IEnumerable<TheoryDataRow<string>> Invalid => ConformanceData.Names("eventstream/invalid");

    public static IEnumerable<TheoryDataRow<string>> Lenient => ConformanceData.Names("eventstream/lenient");

    [Theory, MemberData(nameof(Valid))]
    public void TryRead_ValidCase_ReturnsItsMessages(string name) =>
        Check(ConformanceData.Load("eventstream/valid", name));

    [Theory, MemberData(nameof(Invalid))]
    public void TryRead_InvalidCase_FailsWithItsErrorClass(string name) =>
        Check(ConformanceData.Load("eventstream/invalid", name));

    [Theory, MemberData(nameof(Lenient))]
    public void TryRead_LenientCase_FailsOrSucceedsAsListed(string name) =>
        Check(ConformanceData.Load("eventstream/lenient", name));

    [Fact]
    public void TryRead_PublishedCases_HaveTheExpectedOutcome()
    {
        // These cases are not part of this repository because of their licence. Read them from a shared folder next to
        // the repository, if it exists.
        var folder = FindInParentFolders("shared/conformance/eventstream/published");
        Assert.SkipWhen(
            folder is null,
            "eventstream/published is not part of this repository (see its licence) and was not found next to it.");

        var files = Directory.GetFiles(folder!, "*.json");

        Assert.NotEmpty(files);
        Assert.All(files, file => Check(ConformanceData.LoadFile(file)));
    }

    private static string? FindInParentFolders(string path)
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (Directory.Exists(Path.Combine(at.FullName, path))) return Path.Combine(at.FullName, path);
        }

        return null;
    }

    private static void Check(JsonNode test)
    {
        var wire = ConformanceData.Bytes(test["wire"]);
        Assert.Equal((int)test["wire_length"]!, wire.Length);
        var expect = test["expect"]!;

        // The complete bytes must have the expected outcome, and every split of these bytes must have the same outcome.
        var (messages, error) = Decode(new ReadOnlySequence<byte>(wire));
        switch ((string)expect["result"]!)
        {
            case "messages":
                Assert.Null(error);
                AssertMessages(Unroll(expect["messages"]!), messages);
                break;
            case "error":
                AssertMessages(Unroll(expect["messages_before_error"]!), messages);
                AssertClass(expect, error);
                break;
            case "either" when error is not null:
                Assert.Equal((string)expect["error"]!, error);
                break;
            case "either":
                Assert.Equal(expect["messages_if_accepted"]!.AsArray().Count, messages.Count);
                break;
            default:
                Assert.Fail($"Unknown result {expect["result"]}.");
                break;
        }

        foreach (var fragments in Fragments.Split(wire))
        {
            var split = Decode(fragments);
            Assert.Equal(error, split.Error);
            AssertSame(messages, split.Messages);
        }
    }

    private static void AssertSame(List<Decoded> expected, List<Decoded> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        foreach (var (want, have) in expected.Zip(actual))
        {
            Assert.Equal(want.TotalLength, have.TotalLength);
            var isSame = want.Wire.AsSpan().SequenceEqual(have.Wire)
                && want.Headers.AsSpan().SequenceEqual(have.Headers)
                && want.Payload.AsSpan().SequenceEqual(have.Payload);
            Assert.True(isSame, "Another split gives another message.");
        }
    }

    private static void AssertClass(JsonNode expect, string? error)
    {
        string[] acceptable =
        [
            (string)expect["error"]!,
            .. expect["also_acceptable"]?.AsArray().Select(name => (string)name!) ?? [],
        ];
        Assert.Contains(error ?? "accepts", acceptable);
    }

    private static (List<Decoded> Messages, string? Error) Decode(ReadOnlySequence<byte> buffer)
    {
        var messages = new List<Decoded>();
        try
        {
            while (true)
            {
                var before = buffer;
                if (!EventStreamDecoder.TryRead(ref buffer, MaxMessageBytes, default, out var message))
                {
                    Assert.Equal(before.Length, buffer.Length);
                    return (messages, buffer.IsEmpty ? null : "truncated");
                }

                Assert.Equal(before.Length - message.TotalLength, buffer.Length);
                messages.Add(new Decoded(message, before.Slice(0, message.TotalLength).ToArray()));
            }
        }
        catch (ResponseStreamCorruptException exception)
        {
            return (messages, exception.Reason switch
            {
                ResponseStreamCorruptionReason.PreludeChecksum => "prelude_checksum",
                ResponseStreamCorruptionReason.MalformedLength => "malformed_length",
                ResponseStreamCorruptionReason.MessageChecksum => "message_checksum",
                ResponseStreamCorruptionReason.MalformedHeader => "malformed_header",
                _ => exception.Reason.ToString(),
            });
        }
    }

    private static List<JsonNode> Unroll(JsonNode messages) =>
        [.. messages.AsArray().SelectMany(message => Enumerable.Repeat(message!, (int?)message!["times"] ?? 1))];

    private static void AssertMessages(List<JsonNode> expected, List<Decoded> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        foreach (var (want, have) in expected.Zip(actual))
        {
            Assert.Equal((int)want["total_length"]!, have.TotalLength);
            Assert.Equal((int)want["headers_length"]!, have.Headers.Length);
            Assert.Equal((string)want["prelude_crc"]!, Convert.ToHexString(have.Wire, 8, 4).ToLowerInvariant());
            Assert.Equal(
                (string)want["message_crc"]!,
                Convert.ToHexString(have.Wire, have.Wire.Length - 4, 4).ToLowerInvariant());
            AssertHeaders(want["headers"]!.AsArray(), have.Headers);
            ConformanceData.AssertDigest(want["payload"]!, have.Payload);
        }
    }

    private static void AssertHeaders(JsonArray expected, byte[] block)
    {
        var headers = new EventStreamHeaders(block);
        foreach (var want in expected)
        {
            Assert.True(headers.TryRead(out var header));
            Assert.Equal(GetText(want!, "name"), Encoding.UTF8.GetString(header.Name));
            Assert.Equal((int)want!["type_id"]!, (int)header.Type);
            switch (header.Type)
            {
                case EventStreamHeaderType.BoolTrue or EventStreamHeaderType.BoolFalse:
                    Assert.True(header.Value.IsEmpty);
                    break;
                case EventStreamHeaderType.String:
                    Assert.Equal(GetText(want, "value"), Encoding.UTF8.GetString(header.Value));
                    break;
                case EventStreamHeaderType.Bytes:
                    var bytes = want["value"] is { } hex
                        ? Convert.FromHexString((string)hex!)
                        : ConformanceData.Bytes(want["value_rule"]);
                    Assert.Equal(bytes, header.Value.ToArray());
                    break;
                case EventStreamHeaderType.Uuid:
                    Assert.Equal(Guid.Parse((string)want["value"]!), new Guid(header.Value, bigEndian: true));
                    break;
                default:
                    Assert.Equal(
                        want["value"]!.ToString(),
                        ToInt64(header.Value).ToString(CultureInfo.InvariantCulture));
                    break;
            }
        }

        Assert.False(headers.TryRead(out _));
    }

    // Reads a two's complement, big-endian number of 1, 2, 4 or 8 bytes.
    private static long ToInt64(ReadOnlySpan<byte> value)
    {
        long number = (sbyte)value[0];
        foreach (var next in value[1..]) number = (number << 8) | next;
        return number;
    }

    // A byte rule (see ConformanceBytes) describes a long text.
    private static string GetText(JsonNode header, string property) => header[property] is { } text
        ? (string)text!
        : Encoding.UTF8.GetString(ConformanceData.Bytes(header[property + "_rule"]));

    private sealed class Decoded(EventStreamMessage message, byte[] wire)
    {
        public int TotalLength { get; } = message.TotalLength;

        public byte[] Headers { get; } = message.Headers.ToArray();

        public byte[] Payload { get; } = message.Payload.ToArray();

        public byte[] Wire { get; } = wire;
    }
}
