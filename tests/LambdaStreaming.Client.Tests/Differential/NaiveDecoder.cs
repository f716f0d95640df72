using System.Text;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Differential;

/// <summary>A simple, slow decoder of event streams that shares no code with the decoder under test.</summary>
/// <remarks>
/// Source of the rules: AWS, "Event stream encoding"; tests/TestData/conformance/eventstream/README.md.
/// </remarks>
internal static class NaiveDecoder
{
    public static NaiveStream Decode(byte[] wire, int maxMessageBytes)
    {
        var messages = new List<NaiveMessage>();
        long at = 0;
        while (at < wire.Length)
        {
            if (wire.Length - at < 12) return new NaiveStream(messages, NaiveEnd.Truncated);
            if (ReadNumber(wire, at + 8, 4) != Messages.Crc(wire.AsSpan((int)at, 8)))
                return new NaiveStream(messages, NaiveEnd.PreludeChecksum);

            var total = ReadNumber(wire, at, 4);
            var headers = ReadNumber(wire, at + 4, 4);
            if (total < 16 || total > maxMessageBytes || headers > 131_072 || headers + 16 > total)
                return new NaiveStream(messages, NaiveEnd.MalformedLength);

            if (at + total > wire.Length) return new NaiveStream(messages, NaiveEnd.Truncated);
            if (ReadNumber(wire, at + total - 4, 4) != Messages.Crc(wire.AsSpan((int)at, (int)total - 4)))
                return new NaiveStream(messages, NaiveEnd.MessageChecksum);

            if (ReadHeaders(wire, at + 12, at + 12 + headers) is not { } read)
                return new NaiveStream(messages, NaiveEnd.MalformedHeader);
            messages.Add(new NaiveMessage(read, wire[(int)(at + 12 + headers)..(int)(at + total - 4)]));
            at += total;
        }

        return new NaiveStream(messages, NaiveEnd.Complete);
    }

    private static List<NaiveHeader>? ReadHeaders(byte[] wire, long at, long end)
    {
        var headers = new List<NaiveHeader>();
        while (at < end)
        {
            var nameLength = wire[at++];
            if (nameLength == 0 || at + nameLength >= end) return null;
            var name = wire[(int)at..(int)(at + nameLength)];
            at += nameLength;
            var type = wire[at++];
            long length;
            switch (type)
            {
                case 0 or 1:
                    length = 0;
                    break;
                case 2:
                    length = 1;
                    break;
                case 3:
                    length = 2;
                    break;
                case 4:
                    length = 4;
                    break;
                case 5 or 8:
                    length = 8;
                    break;
                case 9:
                    length = 16;
                    break;
                case 6 or 7:
                    if (at + 2 > end) return null;
                    length = ReadNumber(wire, at, 2);
                    at += 2;
                    if (length > 32_767) return null;
                    break;
                default: return null;
            }

            if (at + length > end) return null;
            var value = wire[(int)at..(int)(at + length)];
            at += length;
            if (!IsUtf8(name) || (type == 7 && !IsUtf8(value))) return null;
            if (headers.Exists(header => header.Name.AsSpan().SequenceEqual(name))) return null;
            headers.Add(new NaiveHeader(name, type, value));
        }

        return headers;
    }

    private static bool IsUtf8(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out _, out var consumed) != System.Buffers.OperationStatus.Done)
                return false;
            bytes = bytes[consumed..];
        }

        return true;
    }

    private static long ReadNumber(byte[] wire, long at, int bytes)
    {
        long number = 0;
        for (var i = 0; i < bytes; i++) number = (number * 256) + wire[at + i];
        return number;
    }
}

/// <summary>How a stream of messages ends.</summary>
internal enum NaiveEnd
{
    Complete,
    Truncated,
    PreludeChecksum,
    MalformedLength,
    MessageChecksum,
    MalformedHeader,
}

internal sealed record NaiveStream(List<NaiveMessage> Messages, NaiveEnd End);

internal sealed record NaiveMessage(List<NaiveHeader> Headers, byte[] Payload)
{
    /// <summary>Returns the value of a string header, or an empty string.</summary>
    public string GetText(string name) =>
        Headers.Find(header => header.Type == 7 && Encoding.UTF8.GetString(header.Name) == name) is { } found
            ? Encoding.UTF8.GetString(found.Value)
            : "";
}

internal sealed record NaiveHeader(byte[] Name, byte Type, byte[] Value);
