using System.Net;
using System.Text;
using System.Text.Json.Serialization;

namespace LambdaStreaming.Tests.Payload;

internal sealed record Token(int N, string? S);

[JsonDerivedType(typeof(Delta), "delta")]
internal abstract record Part;

internal sealed record Delta(string? Text) : Part;

[JsonSerializable(typeof(Token))]
[JsonSerializable(typeof(Part))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(int[]))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(Dictionary<string, int>))]
[JsonSerializable(typeof(System.Text.Json.JsonElement))]
internal sealed partial class TestJson : JsonSerializerContext;

/// <summary>A payload, a reader, and the outcome of reading, which does not depend on the split into chunks.</summary>
public sealed record PayloadCase(
    string Name,
    byte[] Payload,
    Func<InvokeWithResponseStreamResponse, Task<string>> ReadAsync,
    string Outcome,
    ResponseStreamMetadata? Metadata = null)
{
    public override string ToString() => Name;
}

public static class PayloadCases
{
    private static readonly byte[] Mark = [0xEF, 0xBB, 0xBF];
    private static readonly byte[] EightNul = new byte[8];
    private static readonly TestJson Lenient = new(
        new System.Text.Json.JsonSerializerOptions { AllowTrailingCommas = true });
    private static readonly ResponseStreamMetadata Integration = new()
    {
        ResponseStreamContentType = "application/vnd.awslambda.http-integration-response; charset=utf-8",
    };
    private static readonly ResponseStreamMetadata EventStream = new()
    {
        ResponseStreamContentType = "application/vnd.amazon.eventstream",
    };

    public static IReadOnlyList<PayloadCase> All { get; } =
    [
        Text("text of 1 to 4 bytes", "aé€😀z\n", "aé€😀z\n"),
        Text("text with a byte order mark", [.. Mark, .. "é"u8], "é"),
        Text("text with a byte order mark later", [.. "x"u8, .. Mark], "x\uFEFF"),
        Text("text that is only a byte order mark", [.. Mark], ""),
        Text("no text", "", ""),
        Text("invalid text", [0x61, 0xC3, 0x28, 0xE2, 0x82, 0x62, 0xF0, 0x9F, 0x98], "a\uFFFD(\uFFFDb\uFFFD"),
        Text(
            "UTF-16",
            [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes("a€😀")],
            "a€😀",
            new() { Encoding = Encoding.Unicode }),
        Text("Latin 1", [0x61, 0xE9], "aé", new() { Encoding = Encoding.Latin1 }),
        TextOutcome("invalid text, strict", [0x61, 0xE2, 0x82, 0xAC, 0xE2, 0x82, 0x62], "<a€>!format at 4, value -"),
        TextOutcome("invalid text between valid text, strict", [0x61, 0xFF, 0x62, 0x63], "<a>!format at 1, value -"),
        TextOutcome("text that ends inside a character, strict", [0x61, 0xF0, 0x9F, 0x98], "<a>!format at 1, value -"),
        TextOutcome(
            "a high surrogate without a low one, strict",
            [0x41, 0x00, 0x00, 0xD8, 0x42, 0x00],
            "<A>!format at 2, value -",
            Encoding.Unicode),
        TextOutcome(
            "two high surrogates, strict",
            [0x41, 0x00, 0xFF, 0xDB, 0x00, 0xD8, 0x00, 0xDC],
            "<A>!format at 2, value -",
            Encoding.Unicode),
        TextOutcome(
            "a high surrogate at the end, strict",
            [0x41, 0x00, 0x00, 0xD8],
            "<A>!format at 2, value -",
            Encoding.Unicode),
        TextOutcome(
            "a high surrogate and half a character at the end, strict",
            [0x41, 0x00, 0x00, 0xD8, 0x42],
            "<A>!format at 2, value -",
            Encoding.Unicode),
        TextOutcome(
            "a low surrogate after a pair, strict",
            [0x00, 0xD8, 0x00, 0xDC, 0x00, 0xDC],
            "<\U00010000>!format at 4, value -",
            Encoding.Unicode),
        TextOutcome(
            "a high surrogate of UTF-16 big-endian without a low one, strict",
            [0x00, 0x41, 0xDB, 0xFF, 0x00, 0x42],
            "<A>!format at 2, value -",
            Encoding.BigEndianUnicode),
        TextOutcome(
            "a low surrogate of UTF-16 big-endian, strict",
            [0x00, 0x41, 0xDC, 0x00, 0x00, 0x42],
            "<A>!format at 2, value -",
            Encoding.BigEndianUnicode),
        TextOutcome(
            "bytes of a surrogate in UTF-32, strict",
            [0x41, 0x00, 0x00, 0x00, 0x00, 0xD8, 0x00, 0x00, 0x42, 0x00, 0x00, 0x00],
            "<A>!format at 4, value -",
            Encoding.UTF32),
        Text(
            "invalid text, encoding with an exception fallback",
            [0x61, 0xE2, 0x82, 0x62, 0xF0, 0x9F],
            "a\uFFFDb\uFFFD",
            new() { Encoding = new UTF8Encoding(false, throwOnInvalidBytes: true) }),
        Text(
            "text with a byte order mark, encoding without one",
            [.. Mark, .. "é"u8],
            "é",
            new() { Encoding = new UTF8Encoding(false) }),
        FullText("a string", "aé€😀", "aé€😀"),
        FullText("a string with a mark", [.. Mark, .. "é"u8], "é"),
        FullText(
            "a string with a mark, encoding without one",
            [.. Mark, .. Mark, .. "é"u8],
            "\uFEFFé",
            new() { Encoding = new UTF8Encoding(false) }),
        FullText(
            "an invalid string, encoding with an exception fallback",
            [0x61, 0xE2, 0x82, 0x62],
            "a\uFFFDb",
            new() { Encoding = new UTF8Encoding(false, throwOnInvalidBytes: true) }),
        new(
            "an invalid string after a mark, strict",
            [.. Mark, 0x61, 0xFF],
            response => Fragmented.OutcomeAsync(
                response.ReadAsStringAsync(new PayloadReadOptions { ThrowOnInvalidText = true })),
            "!format at 4, value -"),

        FullTextOutcome(
            "a string with a high surrogate without a low one, strict",
            [0x41, 0x00, 0x00, 0xD8, 0x42, 0x00],
            "!format at 2, value -",
            Encoding.Unicode),
        FullTextOutcome(
            "a string with two high surrogates, strict",
            [0x41, 0x00, 0x00, 0xD8, 0x00, 0xD8],
            "!format at 2, value -",
            Encoding.Unicode),
        FullTextOutcome(
            "a string with a high surrogate at the end, strict",
            [0x41, 0x00, 0x00, 0xD8],
            "!format at 2, value -",
            Encoding.Unicode),
        FullTextOutcome(
            "a string of UTF-16 big-endian with a high surrogate and half a character at the end, strict",
            [0x00, 0xD7, 0xD8, 0xD8, 0xD8],
            "!format at 2, value -",
            Encoding.BigEndianUnicode),
        FullTextOutcome(
            "a string with a low surrogate after a pair, strict",
            [0x00, 0xD8, 0x00, 0xDC, 0x00, 0xDC],
            "!format at 4, value -",
            Encoding.Unicode),

        Lines("lines", "a\nbé€😀\r\n\r\n\nlast", "<a><bé€😀><><><last>"),
        Lines("lines with a last end", "a\n", "<a>"),
        Lines("no lines", "", ""),
        Lines("one empty line", "\n", "<>"),
        Lines("carriage returns within", "a\rb\r\r\nc\r", "<a\rb\r><c\r>"),
        Lines("lines with a mark", [.. Mark, .. "a\nb"u8], "<a><b>"),
        Lines(
            "lines with a mark, encoding without one",
            [.. Mark, .. "a\n"u8, .. Mark, .. "b"u8],
            "<a><\uFEFFb>",
            new() { Encoding = new UTF8Encoding(false) }),
        Lines(
            "lines of Latin 1 that begin with the mark's bytes",
            [.. Mark, .. "a"u8],
            "<ï»¿a>",
            new() { Encoding = Encoding.Latin1 }),
        Lines(
            "invalid first line after a mark, strict",
            [.. Mark, 0x61, 0xFF, 0x0A],
            "!format at 4, value -",
            new() { ThrowOnInvalidText = true }),
        Lines(
            "invalid line, encoding with an exception fallback",
            [0x61, 0xFF, 0x0A, 0x62],
            "<a\uFFFD><b>",
            new() { Encoding = new UTF8Encoding(false, throwOnInvalidBytes: true) }),
        Lines(
            "lines of UTF-16",
            Encoding.Unicode.GetBytes("a\u0A00\nਊ😀\r\nb"),
            "<a\u0A00><ਊ😀><b>",
            new() { Encoding = Encoding.Unicode }),
        Lines(
            "invalid line, strict",
            [0x61, 0x0A, 0x62, 0xFF, 0x0A, 0x63],
            "<a>!format at 3, value -",
            new() { ThrowOnInvalidText = true }),
        Lines(
            "a line with a high surrogate without a low one, strict",
            [0x41, 0x00, 0x0A, 0x00, 0x42, 0x00, 0x00, 0xD8, 0x43, 0x00, 0x0A, 0x00],
            "<A>!format at 6, value -",
            Strict(Encoding.Unicode)),
        Lines(
            "a line of the limit after a mark",
            [.. Mark, .. "1234\r\n12345"u8],
            "<1234>!MaxLineBytes 4 at 9",
            new() { MaxLineBytes = 4 }),
        Lines(
            "a line of one byte, the limit, after a mark",
            [.. Mark, .. "1\n"u8],
            "<1>",
            new() { MaxLineBytes = 1 }),
        Lines(
            "a line over the limit after a mark",
            [.. Mark, .. "12345\n"u8],
            "!MaxLineBytes 4 at 0",
            new() { MaxLineBytes = 4 }),
        Lines(
            "a line of UTF-16 of the limit after a mark",
            [0xFF, 0xFE, 0x31, 0x00, 0x0A, 0x00, 0xFF, 0xFE, 0x31, 0x00],
            "<1>!MaxLineBytes 2 at 6",
            new() { MaxLineBytes = 2, Encoding = new UnicodeEncoding(bigEndian: false, byteOrderMark: false) }),
        Lines(
            "the beginning of a mark over the limit",
            [.. Mark[..2], 0x0A],
            "!MaxLineBytes 1 at 0",
            new() { MaxLineBytes = 1 }),
        Lines(
            "a line of Latin 1 over the limit that begins with the mark's bytes",
            [.. Mark, .. "a"u8],
            "!MaxLineBytes 3 at 0",
            new() { MaxLineBytes = 3, Encoding = Encoding.Latin1 }),
        Lines(
            "a line over the limit, encoding that cannot write a mark",
            "?12\n",
            "!MaxLineBytes 2 at 0",
            new()
            {
                MaxLineBytes = 2,
                Encoding = Encoding.GetEncoding(
                    "us-ascii",
                    EncoderFallback.ExceptionFallback,
                    DecoderFallback.ExceptionFallback),
            }),
        Lines("a line of the limit", "1234\r\n12345", "<1234>!MaxLineBytes 4 at 6", new() { MaxLineBytes = 4 }),
        Lines("a complete line over the limit", "12\n12345\n1", "<12>!MaxLineBytes 4 at 3", new() { MaxLineBytes = 4 }),
        Lines("a carriage return over the limit", "1234\r", "!MaxLineBytes 4 at 0", new() { MaxLineBytes = 4 }),

        Tokens(
            "JSON lines",
            "{\"N\":1,\"S\":\"a\\\"}{\"}\n{\"N\":2,\"S\":\"\\\\\"}\r\n\n{\"N\":3,\"S\":\"\\u00e9€😀\"}",
            "<1 a\"}{><2 \\><3 é€😀>"),
        Tokens(
            "JSON lines, given",
            "\n{\"N\":1,\"S\":\"a\\\"\\\\\"}\n \n{\"N\":2}\n",
            "<1 a\"\\><2 >",
            new() { JsonFormat = JsonSequenceFormat.Lines }),
        Tokens("JSON one after another", "{\"N\":1}{\"N\":2} null{\"N\":3}", "<1 ><2 ><-><3 >"),
        Tokens("a JSON array", " [ {\"N\":1} ,\n{\"N\":2,\"S\":\"]\"}, null ] \n", "<1 ><2 ]><->"),
        Tokens("an empty JSON array", "[]", ""),
        Tokens("no JSON", " \n", ""),
        Tokens("JSON with a mark", [.. Mark, .. "{\"N\":1}"u8], "<1 >"),
        Tokens("an invalid JSON value", "{\"N\":1}\n{\"N\":\n\"x\"}\n{\"N\":3}", "<1 >!format at 17, value 1"),
        Tokens("an invalid JSON element", "[{\"N\":1},{\"N\"},{\"N\":3}]", "<1 >!format at 13, value 1"),
        Tokens(
            "an invalid JSON line",
            "{\"N\":1}\n{\"N\":2\n{\"N\":3}\n",
            "<1 >!format at 14, value 1",
            new() { JsonFormat = JsonSequenceFormat.Lines }),
        Tokens(
            "two JSON values in a line",
            "{\"N\":1} {\"N\":2}",
            "<1 >!format at 8, value 1",
            new() { JsonFormat = JsonSequenceFormat.Lines }),
        Tokens("a JSON value without its end", "{\"N\":1}{\"N\":", "<1 >!format at 12, value 1"),
        Tokens("a JSON array without its end", "[{\"N\":1},", "<1 >!format at 9, value 1"),
        Tokens("a JSON array without commas", "[{\"N\":1}{\"N\":2}]", "<1 >!format at 8, value 1"),
        Tokens("a JSON array with a last comma", "[{\"N\":1},]", "<1 >!format at 9, value 1"),
        Tokens("more than the JSON array", "[{\"N\":1}] x", "<1 >!format at 10, value 1"),
        Tokens(
            "no JSON array, given",
            "{\"N\":1}",
            "!format at 0, value 0",
            new() { JsonFormat = JsonSequenceFormat.Array }),
        Tokens("HTML", "<html>", "!format at 0, value 0"),
        Tokens("a bracket too many", "{\"N\":1}}", "<1 >!format at 7, value 1"),
        Tokens(
            "invalid UTF-8 in JSON",
            [.. "{\"N\":1}{\"N\":2,\"S\":\""u8, 0xC3, 0x28, .. "\"}"u8],
            "<1 >!format at 22, value 1"),
        Tokens(
            "invalid UTF-8 in a property that the type does not have",
            [.. "{\"N\":1}{\"N\":2,\"Z\":\""u8, 0xC3, 0x28, .. "\"}"u8],
            "<1 >!format at 19, value 1"),
        new(
            "invalid UTF-8 in a JSON element",
            [.. "[\"é\",\""u8, 0xE2, 0x82, .. "\"]"u8],
            response => Fragmented.OutcomeAsync(
                response.ReadJsonValuesAsync(TestJson.Default.JsonElement),
                element => element.GetRawText()),
            "<\"é\">!format at 7, value 1"),
        new(
            "invalid UTF-8 in one JSON element",
            [.. Mark, .. "\""u8, 0xFF, .. "\""u8],
            response => Fragmented.OutcomeAsync(ShowAsync(response.ReadFromJsonAsync(TestJson.Default.JsonElement))),
            "!format at 4, value -"),
        Numbers("a JSON number of the limit", "12345 6", "<12345><6>", new() { MaxValueBytes = 5 }),
        Tokens(
            "a JSON value of the limit",
            "{\"N\":1}{\"N\":12}",
            "<1 >!MaxValueBytes 7 at 7",
            new() { MaxValueBytes = 7 }),
        Numbers("JSON numbers", "1 -2.5e0\n[", "<1>!format at 8, value 1"),
        Numbers("JSON numbers, good", "1 22\n333\t4", "<1><22><333><4>"),
        Numbers("JSON numbers in an array", "[1,22 , 3]", "<1><22><3>"),
        Numbers("JSON numbers in an array with a comma more", "[1,22 , ]", "<1><22>", json: Lenient),
        Numbers("JSON numbers in an array with a comma more, strict", "[1,22 , ]", "<1><22>!format at 8, value 2"),
        Numbers(
            "no JSON in place of an array",
            "",
            "!format at 0, value 0",
            new() { JsonFormat = JsonSequenceFormat.Array }),
        Tokens(
            "a mark between JSON values",
            [.. "{\"N\":1}"u8, .. Mark, .. "{\"N\":2}"u8],
            "<1 >!format at 7, value 1"),
        Tokens("the beginning of a mark and no JSON", Mark[..2], "!format at 0, value 0"),
        Numbers("JSON numbers and invalid text", "1 22x 3", "<1>!format at 4, value 1"),
        new(
            "JSON words and strings",
            "true false\"a\"null{\"b\":[1,{}]}[2]12"u8.ToArray(),
            response => Fragmented.OutcomeAsync(
                response.ReadJsonValuesAsync(TestJson.Default.JsonElement),
                element => element.GetRawText()),
            "<true><false><\"a\"><null><{\"b\":[1,{}]}><[2]><12>"),
        new(
            "JSON arrays one after another",
            "[1]\n[2,3]"u8.ToArray(),
            response => Fragmented.OutcomeAsync(
                response.ReadJsonValuesAsync(
                    TestJson.Default.Int32Array,
                    new PayloadReadOptions { JsonFormat = JsonSequenceFormat.Concatenated }),
                value => string.Join(' ', value!)),
            "<1><2 3>"),
        OneToken("one JSON value", [.. Mark, .. "{\"N\":1,\"S\":\"é\"}"u8], "<1 é>"),
        OneToken("one invalid JSON value", "{\"N\":\n\n true}", "!format at 12, value -"),
        OneToken("one invalid JSON value before more lines", "{\"N\":x,\n\"S\":1}\n", "!format at 5, value -"),
        OneToken("one invalid JSON value between lines", "{\n\"N\":x,\n\"S\":1}\n", "!format at 6, value -"),

        Events(
            "events",
            ": hi\n\nevent: add\ndata: 73857293\ndata: é€😀\nid: 1\nretry: 5000\n\ndata\n\ndata:\r\n\r\ndata: no end\n",
            "<add 73857293\né€😀 1 5><message   ><message   >"),
        Events(
            "events with a mark and bare carriage returns",
            [.. Mark, .. "data: a\r\rdata: b\r\n\n"u8],
            "<message a  ><message b  >"),
        Events(
            "an event's line over the limit",
            "data: 1\n\ndata: 123456789\n\n",
            "<message 1  >!MaxEventBytes 12 at 9",
            new() { MaxEventBytes = 12 }),
        Events("an event's line of the limit", "data: 123456\n\n", "<message 123456  >", new() { MaxEventBytes = 12 }),
        Events(
            "an event of the limit",
            "data: 2\ndata: 3\n\n",
            "<message 2\n3  >",
            new() { MaxEventBytes = 14, MaxLineBytes = 1, MaxValueBytes = 1 }),
        Events(
            "an event over the limit",
            "data: 1\r\n\r\ndata: 2\r\ndata: 3\r\n\r\n",
            "<message 1  >!MaxEventBytes 10 at 11",
            new() { MaxEventBytes = 10 }),
        Events(
            "an event whose first line is over the limit",
            "data: 1\r\n\r\ndata: 23456\r\n\r\n",
            "<message 1  >!MaxEventBytes 10 at 11",
            new() { MaxEventBytes = 10 }),
        Events(
            "an event over the limit that does not end",
            "data: 1\n\ndata: 23456",
            "<message 1  >!MaxEventBytes 10 at 9",
            new() { MaxEventBytes = 10 }),
        Events(
            "events below the limit, together over it",
            "data: 1\n\ndata: 2\n\ndata: 3\n\n",
            "<message 1  ><message 2  ><message 3  >",
            new() { MaxEventBytes = 10 }),
        Events(
            "comments are not events",
            ": 3456789\n: 3456789\ndata: 1\n\n",
            "<message 1  >",
            new() { MaxEventBytes = 10 }),
        Events(
            "an event without data takes its type with it",
            "event: ping\n\ndata: x\n\nevent: ping\r\n\r\nevent: e\r\ndata: y\r\n\r\n",
            "<message x  ><e y  >"),
        Events(
            "an event without data leaves its id and time",
            "event: ping\rid: 1\rretry: 5000\r\rdata: x\r\r",
            "<message x 1 5>"),
        Events("a type twice and no data", "event: a\nevent: b\n\ndata: x\n\n", "<message x  >"),
        Events(
            "an event of an empty type",
            "event: e\nevent:\ndata: x\n\nevent: e\nevent\ndata: y\n\nevent: \ndata: z\n\n",
            "<message x  ><message y  ><message z  >"),
        Events(
            "fields that begin like data",
            "event: e\ndatabase: 1\ndat: 2\n data: 3\n\ndata: x\n\n",
            "<message x  >"),
        Events(
            "fields that begin like a type",
            "data: x\n\nevents: e\n\neven: e\ndata: y\n\n",
            "<message x  ><message y  >"),
        Events(
            "a mark before the data of an event with a type",
            [.. Mark, .. "data: x\nevent: e\n\ndata: y\n\n"u8],
            "<e x  ><message y  >"),
        Events("two marks", [.. Mark, .. Mark, .. "data: x\nevent: e\n\ndata: y\n\n"u8], "<message y  >"),
        new(
            "events of JSON of an empty type",
            "event: ping\n\ndata: {\"N\":1}\n\n"u8.ToArray(),
            response => Fragmented.OutcomeAsync(
                response.ReadServerSentEventsAsync(TestJson.Default.Token),
                item => $"{item.EventType} {Show(item.Data)}"),
            "<message 1 >"),
        new(
            "events of JSON with invalid UTF-8",
            [.. "data: {\"N\":1,\"Z\":\""u8, 0xFF, .. "\"}\n\n"u8],
            response => Fragmented.OutcomeAsync(
                response.ReadServerSentEventsAsync(TestJson.Default.Token),
                item => Show(item.Data)),
            "!format at -, value 0"),
        new(
            "events of JSON",
            "data: {\"N\":1}\n\ndata: {\"N\":2,\ndata: \"S\":\"b\"}\n\ndata: [DONE]\n\n"u8.ToArray(),
            response => Fragmented.OutcomeAsync(
                response.ReadServerSentEventsAsync(TestJson.Default.Token),
                item => $"{item.EventType} {Show(item.Data)}"),
            "<message 1 ><message 2 b>"),
        new(
            "events of invalid JSON",
            "data: {\"N\":1}\n\ndata: {\"N\":}\n\ndata: {}\n\n"u8.ToArray(),
            response => Fragmented.OutcomeAsync(
                response.ReadServerSentEventsAsync(TestJson.Default.Token),
                item => Show(item.Data)),
            "<1 >!format at -, value 1"),

        Http(
            "an HTTP response",
            [
                .. "{\"statusCode\":201,\"headers\":{\"Content-Type\":\"text/plain\",\"x\":1},"u8,
                .. "\"multiValueHeaders\":{\"y\":[\"a\",\"b\"]},\"cookies\":[\"c=1\",\"d=2\"],\"other\":null}"u8,
                .. EightNul,
                .. "body"u8,
            ],
            "<201 True [Content-Type=text/plain x=1 y=a, b] [Content-Type=text/plain x=1 y=a|b] [c=1 d=2] body>"),
        Http("an HTTP response without a body", [.. "{\"statusCode\":404}"u8, .. EightNul], "<404 True [] [] [] >"),
        Http(
            "an HTTP response with its defaults",
            [.. "{}\n"u8, .. EightNul, .. EightNul],
            $"<200 True [] [] [] {new string('\0', 8)}>"),
        Http(
            "an HTTP response detected by its bytes",
            [.. "{\"statusCode\":202}"u8, .. EightNul, .. "{}"u8],
            "<202 True [] [] [] {}>",
            EventStream),
        Http(
            "an HTTP response without a content type",
            [.. "{\"statusCode\":202}"u8, .. EightNul, .. "{}"u8],
            "<202 True [] [] [] {}>",
            new ResponseStreamMetadata()),
        Http("an announced prelude that is missing", "only a body"u8.ToArray(), "<200 False [] [] [] only a body>"),
        Http("an announced prelude before nothing", [], "<200 False [] [] [] >"),
        Http(
            "a JSON body in place of the prelude",
            "{\"a\":1}{\"b\":2}"u8.ToArray(),
            "<200 False [] [] [] {\"a\":1}{\"b\":2}>"),
        Http("a JSON body that is incomplete", "{\"a\":"u8.ToArray(), "<200 False [] [] [] {\"a\":>"),
        Http(
            "a delimiter that is too short",
            [.. "{\"a\":1}"u8, .. EightNul[1..], (byte)'b'],
            $"<200 False [] [] [] {{\"a\":1}}{new string('\0', 7)}b>"),
        Http(
            "a NUL byte within the prelude",
            [.. "{\"a\":\""u8, 0, .. "\"}"u8, .. EightNul],
            $"<200 False [] [] [] {{\"a\":\"\0\"}}{new string('\0', 8)}>"),
        Http("the least status", [.. "{\"statusCode\":100}"u8, .. EightNul], "<100 True [] [] [] >"),
        Http("the greatest status", [.. "{\"statusCode\":999}"u8, .. EightNul], "<999 True [] [] [] >"),
        Http("a status below", [.. "{\"statusCode\":99}"u8, .. EightNul], "!format at 0, value -"),
        Http("a status above", [.. "{\"statusCode\":1000}"u8, .. EightNul], "!format at 0, value -"),
        Http(
            "properties that are null",
            [.. "{\"headers\":null,\"multiValueHeaders\":null,\"cookies\":null}"u8, .. EightNul, .. "b"u8],
            "<200 True [] [] [] b>"),
        Http("a prelude that is invalid", [.. "{\"statusCode\":[]}"u8, .. EightNul, .. "b"u8], "!format at 0, value -"),
        Http(
            "a prelude with an invalid number",
            [.. "{\"statusCode\":20}"u8, .. EightNul, .. "b"u8],
            "!format at 0, value -"),
        Http(
            "a prelude with a number beyond all bounds",
            [.. "{\"statusCode\":\"99999999999\"}"u8, .. EightNul, .. "b"u8],
            "!format at 0, value -",
            options: new() { HttpPrelude = HttpPreludeDetection.Always }),
        Http(
            "bytes like a prelude with a number beyond all bounds",
            [.. "{\"statusCode\":99999999999}"u8, .. EightNul],
            "!format at 0, value -",
            EventStream),
        Http(
            "headers that differ in case only",
            [
                .. "{\"headers\":{\"Set-Cookie\":\"a=1\",\"x\":\"1\",\"set-cookie\":\"b=2\",\"SET-COOKIE\":\"c=3\"}}"u8,
                .. EightNul,
            ],
            "<200 True [Set-Cookie=a=1, b=2, c=3 x=1] [Set-Cookie=a=1|b=2|c=3 x=1] [a=1 b=2 c=3] >"),
        Http(
            "repeated headers",
            [.. "{\"headers\":{\"x\":\"1\",\"x\":\"1\",\"y\":\"2\",\"Y\":\"2\"}}"u8, .. EightNul],
            "<200 True [x=1 y=2] [x=1 y=2] [] >"),
        Http(
            "a header that is an array",
            [.. "{\"headers\":{\"x\":[\"a\",2],\"y\":\"b\",\"Y\":[\"c\"],\"y\":null,\"z\":[]}}"u8, .. EightNul],
            "<200 True [x=a, 2 y=b, c] [x=a|2 y=b|c] [] >"),
        Http(
            "lists that differ in case only",
            [.. "{\"multiValueHeaders\":{\"X\":[\"a\"],\"x\":[\"b\"]}}"u8, .. EightNul],
            "<200 True [X=a, b] [X=a|b] [] >"),
        Http(
            "lists and repeated headers",
            [.. "{\"headers\":{\"x\":\"1\",\"X\":\"2\"},\"multiValueHeaders\":{\"x\":[\"3\"]}}"u8, .. EightNul],
            "<200 True [x=3] [x=3] [] >"),
        Http(
            "bytes like an invalid prelude",
            [.. "{\"statusCode\":[]}"u8, .. EightNul],
            "!format at 0, value -",
            EventStream),
        Http(
            "another content type",
            [.. "{}"u8, .. EightNul],
            $"<200 False [] [] [] {{}}{new string('\0', 8)}>",
            new() { ResponseStreamContentType = "application/json" }),
        Http(
            "another content type, always",
            [.. "{}"u8, .. EightNul, .. "b"u8],
            "<200 True [] [] [] b>",
            new() { ResponseStreamContentType = "application/json" },
            new() { HttpPrelude = HttpPreludeDetection.Always }),
        Http(
            "an announced prelude, never",
            [.. "{}"u8, .. EightNul, .. "b"u8],
            $"<200 False [] [] [] {{}}{new string('\0', 8)}b>",
            null,
            new() { HttpPrelude = HttpPreludeDetection.Never }),
        Http(
            "a prelude of the limit",
            [.. "{\"headers\":{}}"u8, .. EightNul, .. "b"u8],
            "<200 True [] [] [] b>",
            null,
            new() { MaxPreludeBytes = 14 }),
        Http("a prelude without a body", [.. "{\"headers\":{}}"u8, .. EightNul], "<200 True [] [] [] >"),
        Http(
            "a prelude over the limit",
            [.. "{\"headers\":{}}"u8, .. EightNul, .. "b"u8],
            $"<200 False [] [] [] {{\"headers\":{{}}}}{new string('\0', 8)}b>",
            null,
            new() { MaxPreludeBytes = 13 }),
        Http(
            "a prelude over the limit, always",
            [.. "{\"a\":12}"u8, .. EightNul, .. "b"u8],
            "!MaxPreludeBytes 7 at 0",
            null,
            new() { MaxPreludeBytes = 7, HttpPrelude = HttpPreludeDetection.Always }),
        Http(
            "a space over the limit",
            [.. "{\"headers\":{}} "u8, .. EightNul, .. "b"u8],
            $"<200 False [] [] [] {{\"headers\":{{}}}} {new string('\0', 8)}b>",
            null,
            new() { MaxPreludeBytes = 14 }),
        Http(
            "a space over the limit, always",
            [.. "{\"headers\":{}} "u8, .. EightNul, .. "b"u8],
            "!MaxPreludeBytes 14 at 0",
            null,
            new() { MaxPreludeBytes = 14, HttpPrelude = HttpPreludeDetection.Always }),
        Http(
            "a prelude with a mark and white space",
            [.. Mark, .. "\r\n\t {\r\n \"statusCode\" :201}"u8, .. EightNul, .. "b"u8],
            "<201 True [] [] [] b>"),
        Http(
            "a prelude with a mark and white space of the limit",
            [.. Mark, .. " {\"headers\":{}} "u8, .. EightNul, .. "b"u8],
            "<200 True [] [] [] b>",
            null,
            new() { MaxPreludeBytes = 19, HttpPrelude = HttpPreludeDetection.Always }),
        Http(
            "a mark and white space over the limit",
            [.. Mark, .. " {\"headers\":{}} "u8, .. EightNul, .. "b"u8],
            "!MaxPreludeBytes 18 at 0",
            null,
            new() { MaxPreludeBytes = 18, HttpPrelude = HttpPreludeDetection.Always }),
        Http(
            "half a mark",
            [.. Mark[..2], .. "{}"u8, .. EightNul],
            $"<200 False [] [] [] \uFFFD{{}}{new string('\0', 8)}>"),
        Http(
            "two marks before a prelude",
            [.. Mark, .. Mark, .. "{}"u8, .. EightNul],
            $"<200 False [] [] [] \uFEFF\uFEFF{{}}{new string('\0', 8)}>"),
        Http("a mark and a body", [.. Mark, .. "b"u8], "<200 False [] [] [] \uFEFFb>"),
        Http("a mark alone", Mark, "<200 False [] [] [] \uFEFF>"),
        Http("white space alone", " \n"u8.ToArray(), "<200 False [] [] []  \n>"),
        Http("a first property with escapes", [.. "{\"status\\u0043ode\":201}"u8, .. EightNul], "<201 True [] [] [] >"),
        Http(
            "the longest first property",
            [
                .. Encoding.UTF8.GetBytes("{\"" + string.Concat(
                    "multiValueHeaders".Select(letter => $"\\u{(int)letter:x4}")) + "\":{\"x\":[\"1\"]}}"),
                .. EightNul,
            ],
            "<200 True [x=1] [x=1] [] >"),
        Http(
            "a first property of a proxy response",
            [.. "{\"isBase64Encoded\":false,\"statusCode\":201}"u8, .. EightNul],
            "<201 True [] [] [] >"),
        Http(
            "another first property",
            [.. "{\"id\":1,\"statusCode\":201}"u8, .. EightNul],
            $"<200 False [] [] [] {{\"id\":1,\"statusCode\":201}}{new string('\0', 8)}>"),
        Http(
            "another first property, always",
            [.. "{\"id\":1,\"statusCode\":201}"u8, .. EightNul],
            "<201 True [] [] [] >",
            null,
            new() { HttpPrelude = HttpPreludeDetection.Always }),
        Http(
            "a first property that only begins like one",
            [.. "{\"statusCodes\":[]}"u8, .. EightNul],
            $"<200 False [] [] [] {{\"statusCodes\":[]}}{new string('\0', 8)}>"),
        Http(
            "a first property in other case",
            [.. "{\"StatusCode\":201}"u8, .. EightNul],
            $"<200 False [] [] [] {{\"StatusCode\":201}}{new string('\0', 8)}>"),
        Http("a first property with an invalid escape", [.. "{\"\\u12\":1}"u8, .. EightNul], "!format at 0, value -"),
        Http(
            "a first property with half a surrogate pair",
            [.. "{\"\\ud800\":1}"u8, .. EightNul],
            "<200 True [] [] [] >"),
        Http("another first property with escapes", [.. "{\"\\u0061\":1}"u8, .. EightNul], "<200 True [] [] [] >"),
        Http(
            "a first property that does not end",
            [.. "{\""u8, .. Encoding.UTF8.GetBytes(new string('a', 200))],
            $"<200 False [] [] [] {{\"{new string('a', 200)}>"),
        Http("an object that is not JSON", "{b}"u8.ToArray(), "<200 False [] [] [] {b}>"),
        Http(
            "an incomplete JSON body of the prelude's limit",
            "{\"headers\":1 "u8.ToArray(),
            "<200 False [] [] [] {\"headers\":1 >",
            null,
            new() { MaxPreludeBytes = 13, HttpPrelude = HttpPreludeDetection.Always }),
        Http(
            "a JSON body over the prelude's limit",
            [.. "{\"headers\":12}"u8, .. "b"u8],
            "<200 False [] [] [] {\"headers\":12}b>",
            EventStream,
            new() { MaxPreludeBytes = 7 }),
        new(
            "JSON lines in an HTTP response",
            [.. "{}"u8, .. EightNul, .. "{\"N\":1}\n{\"N\":x}"u8],
            async response => await Fragmented.OutcomeAsync(
                (await response.ReadHttpIntegrationResponseAsync()).ReadJsonValuesAsync(TestJson.Default.Token),
                Show),
            "<1 >!format at 13, value 1",
            Integration),
        new(
            "lines in an HTTP response",
            [.. "{}"u8, .. EightNul, .. "a\r\nb"u8],
            async response => await Fragmented.OutcomeAsync(
                (await response.ReadHttpIntegrationResponseAsync()).ReadLinesAsync(),
                line => line),
            "<a><b>",
            Integration),
    ];

    public static IEnumerable<TheoryDataRow<string>> Names =>
        All.Select(payloadCase => new TheoryDataRow<string>(payloadCase.Name));

    public static PayloadCase Get(string name) =>
        All.Single(payloadCase => string.Equals(payloadCase.Name, name, StringComparison.Ordinal));

    private static PayloadCase Text(string name, string payload, string text) =>
        Text(name, Encoding.UTF8.GetBytes(payload), text);

    private static PayloadCase Text(string name, byte[] payload, string text, PayloadReadOptions? options = null) =>
        new(
            name,
            payload,
            response =>
                Fragmented.OutcomeAsync(Fragmented.JoinAsync(response.ReadTextAsync(options ?? new())), part => part),
            $"<{text}>");

    private static PayloadCase TextOutcome(
        string name,
        byte[] payload,
        string outcome,
        Encoding? encoding = null) =>
        new(
            name,
            payload,
            response => Fragmented.OutcomeAsync(
                Fragmented.JoinAsync(response.ReadTextAsync(Strict(encoding ?? Encoding.UTF8))),
                part => part),
            outcome);

    private static PayloadCase FullTextOutcome(string name, byte[] payload, string outcome, Encoding encoding) =>
        new(
            name,
            payload,
            response => Fragmented.OutcomeAsync(response.ReadAsStringAsync(Strict(encoding))),
            outcome);

    private static PayloadReadOptions Strict(Encoding encoding) =>
        new() { ThrowOnInvalidText = true, Encoding = encoding };

    private static PayloadCase FullText(string name, string payload, string text) =>
        FullText(name, Encoding.UTF8.GetBytes(payload), text);

    private static PayloadCase FullText(string name, byte[] payload, string text, PayloadReadOptions? options = null) =>
        new(
            name,
            payload,
            response => Fragmented.OutcomeAsync(response.ReadAsStringAsync(options ?? new())),
            $"<{text}>");

    private static PayloadCase Lines(string name, string payload, string outcome, PayloadReadOptions? options = null) =>
        Lines(name, Encoding.UTF8.GetBytes(payload), outcome, options);

    private static PayloadCase Lines(string name, byte[] payload, string outcome, PayloadReadOptions? options = null) =>
        new(
            name,
            payload,
            response => Fragmented.OutcomeAsync(response.ReadLinesAsync(options ?? new()), line => line),
            outcome);

    private static PayloadCase Tokens(
        string name,
        string payload,
        string outcome,
        PayloadReadOptions? options = null) => Tokens(name, Encoding.UTF8.GetBytes(payload), outcome, options);

    private static PayloadCase Tokens(
        string name,
        byte[] payload,
        string outcome,
        PayloadReadOptions? options = null) =>
        new(
            name,
            payload,
            response =>
                Fragmented.OutcomeAsync(response.ReadJsonValuesAsync(TestJson.Default.Token, options ?? new()), Show),
            outcome);

    private static PayloadCase Numbers(
        string name,
        string payload,
        string outcome,
        PayloadReadOptions? options = null,
        TestJson? json = null) =>
        new(
            name,
            Encoding.UTF8.GetBytes(payload),
            response => Fragmented.OutcomeAsync(
                response.ReadJsonValuesAsync((json ?? TestJson.Default).Int32, options ?? new()),
                number => number.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            outcome);

    private static PayloadCase OneToken(string name, string payload, string outcome) =>
        OneToken(name, Encoding.UTF8.GetBytes(payload), outcome);

    private static PayloadCase OneToken(string name, byte[] payload, string outcome) => new(
        name,
        payload,
        response => Fragmented.OutcomeAsync(ShowAsync(response.ReadFromJsonAsync(TestJson.Default.Token))),
        outcome);

    private static PayloadCase Events(
        string name,
        string payload,
        string outcome,
        PayloadReadOptions? options = null) => Events(name, Encoding.UTF8.GetBytes(payload), outcome, options);

    private static PayloadCase Events(
        string name,
        byte[] payload,
        string outcome,
        PayloadReadOptions? options = null) =>
        new(
            name,
            payload,
            response => Fragmented.OutcomeAsync(
                response.ReadServerSentEventsAsync(options ?? new()),
                item => $"{item.EventType} {item.Data} {item.EventId} {item.ReconnectionInterval?.TotalSeconds}"),
            outcome);

    private static PayloadCase Http(
        string name,
        byte[] payload,
        string outcome,
        ResponseStreamMetadata? metadata = null,
        PayloadReadOptions? options = null) =>
        new(
            name,
            payload,
            response => Fragmented.OutcomeAsync(ShowAsync(response, options ?? new())),
            outcome,
            metadata ?? Integration);

    private static string Show(Token? token) => token is null ? "-" : $"{token.N} {token.S}";

    private static async Task<string> ShowAsync(Task<Token?> token) => Show(await token);

    private static async Task<string> ShowAsync(Task<System.Text.Json.JsonElement> element) =>
        (await element).GetRawText();

    private static async Task<string> ShowAsync(InvokeWithResponseStreamResponse response, PayloadReadOptions options)
    {
        await using var http = await response.ReadHttpIntegrationResponseAsync(options);
        using var body = new MemoryStream();
        await http.Body.CopyToAsync(body);
        var headers = http.Headers.Select(header => $"{header.Key}={header.Value}");
        var multiValueHeaders = http.MultiValueHeaders.Select(
            header => $"{header.Key}={string.Join('|', header.Value)}");
        return $"{(int)http.StatusCode} {http.HasPrelude} [{string.Join(' ', headers)}] "
            + $"[{string.Join(' ', multiValueHeaders)}] [{string.Join(' ', http.Cookies)}] "
            + Encoding.UTF8.GetString(body.ToArray());
    }
}
