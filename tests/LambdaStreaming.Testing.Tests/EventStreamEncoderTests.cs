using System.Buffers;
using System.Text.Json.Nodes;
using LambdaStreaming.Testing.EventStream;

namespace LambdaStreaming.Testing.Tests;

public class EventStreamEncoderTests
{
    [Fact]
    public void WriteInvokeComplete_EmptyObject_WritesConformanceBytes()
    {
        var output = new ArrayBufferWriter<byte>();

        EventStreamEncoder.WriteInvokeComplete(output, "{}"u8);

        Assert.Equal(LoadBytes("lambda-invoke-complete"), output.WrittenSpan.ToArray());
    }

    [Theory]
    [InlineData("lambda-payload-chunk")]
    [InlineData("payload-one-byte")]
    [InlineData("payload-64-kib")]
    [InlineData("payload-empty-with-headers")]
    [InlineData("lambda-exception")]
    [InlineData("header-string-utf8")]
    public void CreateMessage_StringHeaders_ReturnsConformanceBytes(string name)
    {
        var data = ConformanceData.Load("eventstream/valid", name);
        var expected = LoadBytes(name);
        var message = data["expect"]!["messages"]![0]!;
        var payloadStart = 12 + (int)message["headers_length"]!;
        var headers = message["headers"]!.AsArray()
            .Select(header => ((string)header!["name"]!, (string)header["value"]!)).ToArray();

        Assert.Equal(expected, EventStreamEncoder.CreateMessage(headers, expected.AsSpan(payloadStart..^4)));
    }

    private static byte[] LoadBytes(string name) =>
        ConformanceData.Bytes(ConformanceData.Load("eventstream/valid", name)["wire"]!);
}
