using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using LambdaStreaming.Payload;

namespace LambdaStreaming.Benchmarks;

/// <summary>The payload readers, each compared with a baseline that it must not exceed by much.</summary>
internal static partial class Readers
{
    private const int Chunks = 20_000;

    public static async Task RunAsync(int rounds)
    {
        Console.WriteLine(
            "Readers from memory, 20,000 chunks: times divided by those of the first row of each block, "
            + "median and quartiles of the rounds.");
        Console.WriteLine();
        Console.WriteLine("| reader | ns per chunk | ratio | B per chunk |");
        Console.WriteLine("| --- | --- | --- | --- |");
        foreach (var size in (int[])[64, 1024])
        {
            var wire = Wire.Create(Enumerable.Repeat(size, Chunks));
            Print(Rounds.Text($"{size} B"), await Rounds.RunAsync(
                [
                    new("chunks, copied to a buffer", () => CopyChunksAsync(wire)),
                    new("AsStream", () => StreamAsync(wire)),
                ],
                Chunks,
                rounds));
        }

        var text = Wire.Create(Enumerable.Repeat(Encoding.UTF8.GetBytes(new string('t', 20)), Chunks));
        Print("20 B of text", await Rounds.RunAsync(
            [
                new("chunks, each to a string", () => StringsAsync(text)),
                new("ReadTextAsync", () => TextAsync(text)),
            ],
            Chunks,
            rounds));

        await JsonAsync("an array of objects of 85 B, in chunks of 4 KiB", new string('n', 21), Chunks, rounds);
        await JsonAsync("an array of objects of 1 KiB, in chunks of 4 KiB", new string('n', 960), Chunks / 10, rounds);
        Console.WriteLine();
    }

    private static async Task JsonAsync(string payload, string name, int count, int rounds)
    {
        var item = new Item(12345, name, ["one", "two", "three"], 17.25);
        var array = JsonSerializer.SerializeToUtf8Bytes(
            Enumerable.Repeat(item, count).ToArray(),
            Json.Default.ItemArray);
        var length = JsonSerializer.SerializeToUtf8Bytes(item, Json.Default.Item).Length;
        var inChunks = Wire.Create(array.Chunk(4096));
        Print(payload, await Rounds.RunAsync(
            [
                new("JsonSerializer.DeserializeAsyncEnumerable over a plain stream", () => SerializerAsync(array)),
                new("JsonSerializer.Deserialize for each value, at known positions", () => EachAsync(array, length)),
                new("the same, after a search for its end", () => EachAsync(array, null)),
                new("ReadJsonValuesAsync", () => JsonAsync(inChunks)),
            ],
            count,
            rounds));
        var chunks = new Contender("decoding the chunks only", () => ChunksAsync(inChunks));
        Print(payload, await Rounds.RunAsync([chunks], count, rounds));
    }

    private static void Print(string payload, IReadOnlyList<Result> results)
    {
        foreach (var result in results)
        {
            Console.WriteLine(Rounds.Text(
                $"| {payload}: {result.Name} | {result.Nanoseconds:0} ",
                $"| {result.Spread} | {result.AllocatedBytes:0} |"));
        }

    }

    private static async Task<long> CopyChunksAsync(byte[] wire)
    {
        long bytes = 0;
        var buffer = new byte[4096];
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        await foreach (var chunk in response.ReadChunksAsync())
        {
            chunk.CopyTo(buffer);
            bytes += chunk.Length;
        }

        return bytes;
    }

    private static async Task<long> ChunksAsync(byte[] wire)
    {
        long bytes = 0;
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        await foreach (var chunk in response.ReadChunksAsync()) bytes += chunk.Length;
        return bytes;
    }

    private static async Task<long> StreamAsync(byte[] wire)
    {
        long bytes = 0;
        var buffer = new byte[4096];
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        await using var stream = response.AsStream();
        while (await stream.ReadAsync(buffer) is > 0 and var count) bytes += count;
        return bytes;
    }

    private static async Task<long> StringsAsync(byte[] wire)
    {
        long characters = 0;
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        await foreach (var chunk in response.ReadChunksAsync())
            characters += Encoding.UTF8.GetString(chunk.Payload).Length;
        return characters;
    }

    private static async Task<long> TextAsync(byte[] wire)
    {
        long characters = 0;
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        await foreach (var text in response.ReadTextAsync()) characters += text.Length;
        return characters;
    }

    private static async Task<long> SerializerAsync(byte[] array)
    {
        long items = 0;
        using var stream = new MemoryStream(array);
        await foreach (var item in JsonSerializer.DeserializeAsyncEnumerable(stream, Json.Default.Item))
        {
            items += item!.Tags.Length;
        }

        return items;
    }

    // The least that an API that delivers single values can do with JsonSerializer. No stream, no limits, no offsets.
    private static Task<long> EachAsync(byte[] array, int? knownLength)
    {
        long items = 0;
        for (var start = 1; start < array.Length;)
        {
            var length = knownLength ?? new JsonValueScanner(endsWithLine: false).FindEnd(array.AsSpan(start));
            items += JsonSerializer.Deserialize(array.AsSpan(start, length), Json.Default.Item)!.Tags.Length;
            start += length + 1;
        }

        return Task.FromResult(items);
    }

    private static async Task<long> JsonAsync(byte[] wire)
    {
        long items = 0;
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        await foreach (var item in response.ReadJsonValuesAsync(Json.Default.Item)) items += item!.Tags.Length;
        return items;
    }

    internal sealed record Item(int Id, string Name, string[] Tags, double Price);

    [JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
    [JsonSerializable(typeof(Item))]
    [JsonSerializable(typeof(Item[]))]
    private sealed partial class Json : JsonSerializerContext;
}
