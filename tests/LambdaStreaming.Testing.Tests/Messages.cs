using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Decodes complete response bodies, without validation.</summary>
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
            for (var remaining = body.Slice(12, headersLength); !remaining.IsEmpty;)
            {
                int nameLength = remaining[0];
                int valueLength = BinaryPrimitives.ReadUInt16BigEndian(remaining[(nameLength + 2)..]);
                var name = Encoding.UTF8.GetString(remaining.Slice(1, nameLength));
                headers.Add(name, Encoding.UTF8.GetString(remaining.Slice(nameLength + 4, valueLength)));
                remaining = remaining[(nameLength + 4 + valueLength)..];
            }

            messages.Add((headers, body[(12 + headersLength)..(total - 4)].ToArray()));
            body = body[total..];
        }

        return messages;
    }

    public static string[] GetChunks(byte[] body)
    {
        var chunks = Decode(body).Where(message => message.Headers[":event-type"] == "PayloadChunk");
        return [.. chunks.Select(chunk => Encoding.UTF8.GetString(chunk.Payload))];
    }

    public static JsonNode GetInvokeComplete(byte[] body)
    {
        var last = Decode(body)[^1];
        Assert.Equal("InvokeComplete", last.Headers[":event-type"]);
        return JsonNode.Parse(last.Payload)!;
    }
}
