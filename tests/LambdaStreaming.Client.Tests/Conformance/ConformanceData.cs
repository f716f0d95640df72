using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace LambdaStreaming.Tests.Conformance;

/// <summary>Reads the cases of tests/TestData/conformance; its README describes their form.</summary>
public static class ConformanceData
{
    public static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "TestData", "conformance");

    /// <summary>The names of all cases of a folder, as theory data. A folder without cases fails, since nothing would be tested.</summary>
    public static IEnumerable<TheoryDataRow<string>> Names(string folder)
    {
        var files = Directory.GetFiles(Path.Combine(Root, folder), "*.json");
        if (files.Length == 0) throw new InvalidOperationException($"There are no cases in {folder}.");
        return files.Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal).Select(name => new TheoryDataRow<string>(name!));
    }

    public static JsonNode Load(string folder, string name) => LoadFile(Path.Combine(Root, folder, name + ".json"));

    public static JsonNode LoadFile(string path) => JsonNode.Parse(File.ReadAllBytes(path))!;

    /// <summary>Expands a byte rule.</summary>
    public static byte[] Bytes(JsonNode? rule)
    {
        if (rule is null) return [];
        var members = rule.AsObject();
        if (members.TryGetPropertyValue("hex", out var hex)) return Convert.FromHexString((string)hex!);
        if (members.TryGetPropertyValue("utf8", out var text)) return Encoding.UTF8.GetBytes((string)text!);
        if (members.TryGetPropertyValue("concat", out var parts)) return [.. parts!.AsArray().SelectMany(Bytes)];

        var count = (int)members["count"]!;
        if (members.TryGetPropertyValue("repeat_hex", out var repeated))
        {
            var unit = Convert.FromHexString((string)repeated!);
            return [.. Enumerable.Repeat(unit, count).SelectMany(bytes => bytes)];
        }

        var bytes = new byte[count];
        var x = (uint)(long)members["lcg_seed"]!;
        for (var i = 0; i < count; i++)
        {
            x = unchecked((x * 1103515245u) + 12345u) & 0x7fff_ffff;
            bytes[i] = (byte)(x >> 16);
        }

        return bytes;
    }

    /// <summary>Checks that <paramref name="bytes"/> are those of a digest.</summary>
    public static void AssertDigest(JsonNode digest, ReadOnlySpan<byte> bytes)
    {
        Assert.Equal((long)digest["length"]!, bytes.Length);
        Assert.Equal((string)digest["sha256"]!, Convert.ToHexString(SHA256.HashData(bytes)).ToLowerInvariant());
    }
}
