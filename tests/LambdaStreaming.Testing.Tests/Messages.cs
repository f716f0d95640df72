using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace LambdaStreaming.Testing.Tests;

/// <summary>A decoder for whole bodies, without checks: the test only asks what was said.</summary>
internal static class Messages
{
    public static List<(Dictionary<string, string> Headers, byte[] Payload)> Decode(ReadOnlySpan<byte> body)
    {
        var messages = new List<(Dictionary<string, string>, byte[])>();
        while (!body.IsEmpty)
        {
            var total = BinaryPrimitives.ReadInt32BigEndian(body);
            var headersLength = BinaryPrimitives.ReadInt32BigEndian(body[4..]);
            var headers = new Dictionary<string, string>();
            for (var rest = body.Slice(12, headersLength); !rest.IsEmpty;)
            {
                int name = rest[0];
                int value = BinaryPrimitives.ReadUInt16BigEndian(rest[(name + 2)..]);
                headers.Add(Encoding.UTF8.GetString(rest.Slice(1, name)), Encoding.UTF8.GetString(rest.Slice(name + 4, value)));
                rest = rest[(name + 4 + value)..];
            }

            messages.Add((headers, body[(12 + headersLength)..(total - 4)].ToArray()));
            body = body[total..];
        }

        return messages;
    }

    public static string[] Chunks(byte[] body) =>
        [.. Decode(body).Where(message => message.Headers[":event-type"] == "PayloadChunk").Select(message => Encoding.UTF8.GetString(message.Payload))];

    public static JsonNode Complete(byte[] body)
    {
        var last = Decode(body)[^1];
        Assert.Equal("InvokeComplete", last.Headers[":event-type"]);
        return JsonNode.Parse(last.Payload)!;
    }
}
