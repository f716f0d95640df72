using System.Text;
using LambdaStreaming.Payload;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Where a value ends, near its beginning and far from it: the search changes its way after a few bytes.</summary>
public class JsonValueScannerTests
{
    private static readonly string Long = new('a', 200);
    private static readonly string Blank = new(' ', 200);

    public static TheoryData<string, int, int> Values
    {
        get
        {
            // The value with what follows it; its length, and that with line ends that cut it. -1: more is needed.
            var values = new TheoryData<string, int, int>();
            foreach (var (far, blank) in (((string, string)[])[("", ""), (Long, Blank)]))
            {
                Add($$"""{"{{far}}":1}""", "rest");
                Add($$"""["{{far}}{}[]",{"b":[]}{{blank}}]""", "]");
                Add($"\"{far}\\\"{{\"", "\"");
                Add($"\"{far}\\\\\"", "\"");
                Add($"{{{blank}\"a\":[{blank}1{blank}]{blank}}}", "}");
                Add($"[{blank}[{blank}]{blank}]", "]");
                AddTruncation($"[{blank}\n{blank}]", 1 + blank.Length);
                AddTruncation($"\"{far}\nb\"", 1 + far.Length);
                AddTruncation($"\"{far}\\\nb\"", 2 + far.Length);
                AddTruncation($"{{\"{far}\":1,\n}}", $"{{\"{far}\":1,".Length);
                values.Add($"[{blank}", -1, -1);
                values.Add($"\"{far}", -1, -1);
                values.Add($"\"{far}\\", -1, -1);
                values.Add($"12{far.Replace('a', '3')}", -1, -1);
                Add($"12{far.Replace('a', '3')}", ",");
                Add("true", "false");
                Add("null", "");
                Add(",", "1");
            }

            return values;

            void Add(string value, string rest) => values.Add(value + rest, value.Length, value.Length);

            void AddTruncation(string value, int atLineEnd) => values.Add(value + " ", value.Length, atLineEnd);
        }
    }

    [Theory, MemberData(nameof(Values))]
    public void FindEnd_Whole_IsTheLength(string value, int length, int lengthInLines)
    {
        var bytes = Encoding.UTF8.GetBytes(value);

        Assert.Equal(length, new JsonValueScanner(endsWithLine: false).FindEnd(bytes));
        Assert.Equal(lengthInLines, new JsonValueScanner(endsWithLine: true).FindEnd(bytes));
    }

    [Theory, MemberData(nameof(Values))]
    public void FindEnd_ByteByByte_IsTheSameAndNoByteIsLookedAtTwice(string value, int length, int lengthInLines)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        foreach (var (endsWithLine, expected) in (((bool, int)[])[(false, length), (true, lengthInLines)]))
        {
            var frame = new JsonValueScanner(endsWithLine);
            var (found, seen) = (-1, 0);
            while (found < 0 && seen < bytes.Length)
            {
                var before = frame.Searched;
                found = frame.FindEnd(bytes.AsSpan(0, ++seen));

                // But for an escape whose second half has not come.
                Assert.InRange(frame.Searched, before, seen);
                if (found < 0) Assert.InRange(frame.Searched, seen - 1, seen);
            }

            // A word is known by its first byte only once it is whole.
            Assert.Equal(expected, found);
        }
    }
}
