using System.Security.Cryptography;
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

    /// <inheritdoc cref="ConformanceBytes.Of"/>
    public static byte[] Bytes(JsonNode? rule) => ConformanceBytes.Create(rule);

    /// <summary>Checks that <paramref name="bytes"/> are those of a digest.</summary>
    public static void AssertDigest(JsonNode digest, ReadOnlySpan<byte> bytes)
    {
        Assert.Equal((long)digest["length"]!, bytes.Length);
        Assert.Equal((string)digest["sha256"]!, Convert.ToHexString(SHA256.HashData(bytes)).ToLowerInvariant());
    }
}
