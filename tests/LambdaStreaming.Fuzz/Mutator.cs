using System.Buffers.Binary;

namespace LambdaStreaming.Fuzz;

/// <summary>A generator of mutated inputs, which are the same for the same seed.</summary>
internal sealed class Mutator(IReadOnlyList<byte[]> seeds, int seed)
{
    private const int MaxBytes = 8192;

    private static readonly uint[] BoundaryNumbers =
    [
        0, 1, 12, 15, 16, 17, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 131_072, 131_073, 25_165_824,
        25_165_825, int.MaxValue, 0x8000_0000, uint.MaxValue,
    ];

    private readonly Random _random = new(seed);

    public byte[] Next()
    {
        var input = new List<byte>(seeds[_random.Next(seeds.Count)]);
        for (var changes = 1 + _random.Next(4) * _random.Next(4); changes > 0; changes--) Change(input);
        if (input.Count > MaxBytes) input.RemoveRange(MaxBytes, input.Count - MaxBytes);
        return [.. input];
    }

    private void Change(List<byte> input)
    {
        var at = _random.Next(input.Count + 1);
        var remaining = input.Count - at;
        switch (_random.Next(11))
        {
            case 0 when remaining > 0:
                input[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when remaining > 0:
                input[at] = (byte)_random.Next(256);
                break;
            case 2 when remaining > 0:
                input[at] += (byte)(_random.Next(33) - 16);
                break;
            case 3:
                input.Insert(at, (byte)_random.Next(256));
                break;
            case 4 when remaining > 0:
                input.RemoveRange(at, 1 + _random.Next(Math.Min(remaining, 16)));
                break;
            case 5 when remaining > 0:
                input.RemoveRange(at, remaining);
                break;
            case 6 when remaining >= 4:
                Overwrite(input, at, CreateNumber());
                break;
            case 7:
                input.InsertRange(at, Seeds.Dictionary[_random.Next(Seeds.Dictionary.Count)]);
                break;
            case 8:
                Overwrite(input, at, Seeds.Dictionary[_random.Next(Seeds.Dictionary.Count)]);
                break;
            case 9:
                var other = seeds[_random.Next(seeds.Count)];
                var from = _random.Next(other.Length + 1);
                input.InsertRange(at, other.AsSpan(from, _random.Next(other.Length - from + 1)).ToArray());
                break;
            case 10 when remaining > 0:
                input.InsertRange(at, input.GetRange(at, 1 + _random.Next(Math.Min(remaining, 128))));
                break;
        }
    }

    private byte[] CreateNumber()
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, BoundaryNumbers[_random.Next(BoundaryNumbers.Length)]);
        return _random.Next(2) == 0 ? bytes : bytes[2..];
    }

    private static void Overwrite(List<byte> input, int at, byte[] bytes)
    {
        for (var i = 0; i < bytes.Length && at + i < input.Count; i++) input[at + i] = bytes[i];
    }
}
