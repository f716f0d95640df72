using System.Text;
using LambdaStreaming.Payload;

namespace LambdaStreaming.Tests.Payload;

/// <summary>The end of short and long JSON values: the scanner searches long ones with vectors.</summary>
public class JsonValueScannerTests
{
    private static readonly string Long = new('a', 200);
    private static readonly string Blank = new(' ', 200);

    public static TheoryData<string, int, int> Values
    {
        get
        {
            // Each row has a value with the bytes after it, the length of the value, and its length if a line end
            // terminates values. A length of -1 means that more bytes are needed.
            var values = new TheoryData<string, int, int>();
            foreach (var (filler, blank) in (((string, string)[])[("", ""), (Long, Blank)]))
            {
                Add($$"""{"{{filler}}":1}""", "rest");
                Add($$"""["{{filler}}{}[]",{"b":[]}{{blank}}]""", "]");
                Add($"\"{filler}\\\"{{\"", "\"");
                Add($"\"{filler}\\\\\"", "\"");
                Add($"{{{blank}\"a\":[{blank}1{blank}]{blank}}}", "}");
                Add($"[{blank}[{blank}]{blank}]", "]");
                AddTruncation($"[{blank}\n{blank}]", 1 + blank.Length);
                AddTruncation($"\"{filler}\nb\"", 1 + filler.Length);
                AddTruncation($"\"{filler}\\\nb\"", 2 + filler.Length);
                AddTruncation($"{{\"{filler}\":1,\n}}", $"{{\"{filler}\":1,".Length);
                values.Add($"[{blank}", -1, -1);
                values.Add($"\"{filler}", -1, -1);
                values.Add($"\"{filler}\\", -1, -1);
                values.Add($"12{filler.Replace('a', '3')}", -1, -1);
                Add($"12{filler.Replace('a', '3')}", ",");
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
    public void FindEnd_AllBytes_ReturnsTheLength(string value, int length, int lengthInLines)
    {
        var bytes = Encoding.UTF8.GetBytes(value);

        Assert.Equal(length, new JsonValueScanner(endsWithLine: false).FindEnd(bytes));
        Assert.Equal(lengthInLines, new JsonValueScanner(endsWithLine: true).FindEnd(bytes));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void FindEnd_AnyStructure_ReturnsTheSameLengthForAllBytesAsForOneByteAtATime(bool endsWithLine)
    {
        // Blocks of 64 bytes are searched with vectors. Each alphabet has another density of strings and escapes.
        var random = new Random(7);
        foreach (var alphabet in (string[])["{}[]\"\\a \n", "{}[]\"aaaaaaaaaaaaaaaa", "{}[]\"\\aaaaaaaaaaaaaaaaaa\n"])
        {
            for (var i = 0; i < 5_000; i++)
            {
                var bytes = Encoding.UTF8.GetBytes("{" + new string(random.GetItems<char>(alphabet, 300)));

                var scanner = new JsonValueScanner(endsWithLine);
                var (found, available) = (-1, 0);
                while (found < 0 && available < bytes.Length) found = scanner.FindEnd(bytes.AsSpan(0, ++available));

                Assert.Equal(found, new JsonValueScanner(endsWithLine).FindEnd(bytes));
            }
        }
    }

    [Theory, MemberData(nameof(Values))]
    public void FindEnd_OneByteAtATime_ReturnsTheSameLengthAndSearchesEachByteOnce(
        string value,
        int length,
        int lengthInLines)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        foreach (var (endsWithLine, expected) in (((bool, int)[])[(false, length), (true, lengthInLines)]))
        {
            var scanner = new JsonValueScanner(endsWithLine);
            var (found, available) = (-1, 0);
            while (found < 0 && available < bytes.Length)
            {
                var before = scanner.Searched;
                found = scanner.FindEnd(bytes.AsSpan(0, ++available));

                // All bytes were searched, except an escape sequence whose second byte has not arrived.
                Assert.InRange(scanner.Searched, before, available);
                if (found < 0) Assert.InRange(scanner.Searched, available - 1, available);
            }

            // A literal such as true is recognized only once it is complete.
            Assert.Equal(expected, found);
        }
    }
}
