using System.Buffers;
using System.Text.Json.Nodes;
using LambdaStreaming.Testing.EventStream;

namespace LambdaStreaming.Testing.Tests;

public class EventStreamEncoderTests
{
    [Fact]
    public void WriteInvokeComplete_OfAnEmptyObject_GivesTheConformanceBytes()
    {
        var output = new ArrayBufferWriter<byte>();

        EventStreamEncoder.WriteInvokeComplete(output, "{}"u8);

        Assert.Equal(Wire("lambda-invoke-complete"), output.WrittenSpan.ToArray());
    }

    [Theory]
    [InlineData("lambda-payload-chunk")]
    [InlineData("payload-one-byte")]
    [InlineData("payload-64-kib")]
    [InlineData("payload-empty-with-headers")]
    [InlineData("lambda-exception")]
    [InlineData("header-string-utf8")]
    public void WriteMessage_WithStringHeaders_GivesTheConformanceBytes(string name)
    {
        var data = ConformanceData.Load("eventstream/valid", name);
        var wire = Wire(name);
        var message = data["expect"]!["messages"]![0]!;
        var payloadStart = 12 + (int)message["headers_length"]!;
        (string, string)[] headers = [.. message["headers"]!.AsArray().Select(header => ((string)header!["name"]!, (string)header["value"]!))];
        var output = new ArrayBufferWriter<byte>();

        EventStreamEncoder.WriteMessage(output, headers, wire.AsSpan(payloadStart..^4));

        Assert.Equal(wire, output.WrittenSpan.ToArray());
    }

    private static byte[] Wire(string name) => ConformanceData.Bytes(ConformanceData.Load("eventstream/valid", name)["wire"]!);
}
