using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace LambdaStreaming.Tests.Conformance;

/// <summary>The cases of tests/TestData/conformance, whose README describes the format.</summary>
public static class ConformanceData
{
    public static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "TestData", "conformance");

    /// <summary>
    /// Returns the names of all cases in a folder. Throws if there are none, because nothing would be tested.
    /// </summary>
    public static IEnumerable<TheoryDataRow<string>> Names(string folder)
    {
        var files = Directory.GetFiles(Path.Combine(Root, folder), "*.json");
        if (files.Length == 0) throw new InvalidOperationException($"The folder {folder} contains no cases.");
        return files.Select(Path.GetFileNameWithoutExtension)
            .Order(StringComparer.Ordinal)
            .Select(name => new TheoryDataRow<string>(name!));
    }

    public static JsonNode Load(string folder, string name) => LoadFile(Path.Combine(Root, folder, name + ".json"));

    public static JsonNode LoadFile(string path) => JsonNode.Parse(File.ReadAllBytes(path))!;

    /// <inheritdoc cref="ConformanceBytes.Create"/>
    public static byte[] Bytes(JsonNode? rule) => ConformanceBytes.Create(rule);

    /// <summary>Asserts that <paramref name="bytes"/> have the length and SHA-256 hash in a digest of a case.</summary>
    public static void AssertDigest(JsonNode digest, ReadOnlySpan<byte> bytes)
    {
        Assert.Equal((long)digest["length"]!, bytes.Length);
        Assert.Equal((string)digest["sha256"]!, Convert.ToHexString(SHA256.HashData(bytes)).ToLowerInvariant());
    }
}
