using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json.Nodes;
using LambdaStreaming.EventStream;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.OtherProjects;

/// <summary>The event-stream vectors of smithy-typescript, which the AWS SDKs share.</summary>
/// <remarks>
/// Each case has two files: encoded is the message; decoded is its parts as JSON, or the text of the expected error.
/// </remarks>
public class SmithyVectorTests
{
    private static readonly UpstreamSuite Suite = new(
        "smithy-typescript",
        "smithy-typescript/packages/eventstream-codec/test_vectors",
        location => from kind in (string[])["positive", "negative"]
                    from file in Directory.GetFiles(Path.Combine(location, "encoded", kind))
                    select $"{kind}/{Path.GetFileName(file)}");

    public static IEnumerable<TheoryDataRow<string>> Cases => Suite.Cases;

    [Theory, MemberData(nameof(Cases))]
    public Task TryRead_SuiteCase_HasItsOutcome(string name) => Suite.CheckAsync(name, () =>
    {
        var bytes = File.ReadAllBytes(Path.Combine(Suite.Location, "encoded", name));
        var expected = File.ReadAllText(Path.Combine(Suite.Location, "decoded", name));
        foreach (var fragments in Fragments.Split(bytes))
        {
            if (name.StartsWith("negative/", StringComparison.Ordinal)) AssertFailure(expected, fragments);
            else AssertMessage(JsonNode.Parse(expected)!, bytes, fragments);
        }
    });

    [Fact]
    public void Differences_AllEntries_AreCasesOfTheSuite() => Suite.AssertDifferencesAreCases();

    private static void AssertFailure(string expected, ReadOnlySequence<byte> buffer)
    {
        var error = Assert.Throws<ResponseStreamCorruptException>(() => TryRead(buffer));

        var reason = expected switch
        {
            "Prelude checksum mismatch" => ResponseStreamCorruptionReason.PreludeChecksum,
            "Message checksum mismatch" => ResponseStreamCorruptionReason.MessageChecksum,
            _ => throw new InvalidOperationException($"Unknown error: {expected}"),
        };
        Assert.Equal(reason, error.Reason);
    }

    private static bool TryRead(ReadOnlySequence<byte> buffer) => EventStreamDecoder.TryRead(
        ref buffer, LambdaStreamingClientOptions.DefaultMaxMessageBytes, default, out _);

    private static void AssertMessage(JsonNode expected, byte[] bytes, ReadOnlySequence<byte> buffer)
    {
        Assert.True(EventStreamDecoder.TryRead(
            ref buffer, LambdaStreamingClientOptions.DefaultMaxMessageBytes, default, out var message));

        Assert.True(buffer.IsEmpty);
        Assert.Equal((int)expected["total_length"]!, message.TotalLength);
        Assert.Equal((int)expected["headers_length"]!, message.Headers.Length);
        Assert.Equal((int)expected["prelude_crc"]!, BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(8)));
        Assert.Equal((int)expected["message_crc"]!, BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan()[^4..]));
        Assert.Equal((string)expected["payload"]!, Convert.ToBase64String(message.Payload.ToArray()));
        var headers = new EventStreamHeaders(message.Headers.ToArray());
        foreach (var want in expected["headers"]!.AsArray())
        {
            Assert.True(headers.TryRead(out var have));
            Assert.Equal((string)want!["name"]!, Encoding.UTF8.GetString(have.Name));
            Assert.Equal((int)want["type"]!, (int)have.Type);
            Assert.Equal(want["value"]!.ToString(), Show(have));
        }

        Assert.False(headers.TryRead(out _));
    }

    private static string Show(EventStreamHeader header) => header.Type switch
    {
        EventStreamHeaderType.BoolTrue => "true",
        EventStreamHeaderType.BoolFalse => "false",
        EventStreamHeaderType.Bytes or EventStreamHeaderType.String or EventStreamHeaderType.Uuid =>
            Convert.ToBase64String(header.Value),
        _ => new BigInteger(header.Value, isBigEndian: true).ToString(CultureInfo.InvariantCulture),
    };
}
