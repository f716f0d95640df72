using System.Text;
using System.Text.Json.Nodes;

namespace LambdaStreaming.Tests.Conformance;

/// <summary>Byte rules of tests/TestData/conformance: JSON objects that describe bytes, for example in hex.</summary>
internal static class ConformanceBytes
{
    /// <summary>Returns the bytes that a rule describes.</summary>
    public static byte[] Create(JsonNode? rule)
    {
        if (rule is null) return [];
        var members = rule.AsObject();
        if (members.TryGetPropertyValue("hex", out var hex)) return Convert.FromHexString((string)hex!);
        if (members.TryGetPropertyValue("utf8", out var text)) return Encoding.UTF8.GetBytes((string)text!);
        if (members.TryGetPropertyValue("concat", out var parts)) return [.. parts!.AsArray().SelectMany(Create)];

        var count = (int)members["count"]!;
        if (members.TryGetPropertyValue("repeat_hex", out var repeated))
        {
            var unit = Convert.FromHexString((string)repeated!);
            return [.. Enumerable.Repeat(unit, count).SelectMany(bytes => bytes)];
        }

        var bytes = new byte[count];
        var state = (uint)(long)members["lcg_seed"]!;
        for (var i = 0; i < count; i++)
        {
            state = unchecked((state * 1103515245u) + 12345u) & 0x7fff_ffff;
            bytes[i] = (byte)(state >> 16);
        }

        return bytes;
    }
}
