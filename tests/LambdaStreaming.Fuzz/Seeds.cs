using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using LambdaStreaming.EventStream;
using LambdaStreaming.Tests.Conformance;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Fuzz;

/// <summary>
/// Initial inputs for mutation: the conformance cases in the format of each target, and the corpus of coverage-guided
/// runs.
/// </summary>
internal static class Seeds
{
    // Longer seeds cost more time than their findings justify.
    private const int MaxBytes = 4096;

    public static List<byte[]> Get(Target target)
    {
        var seeds = Conformance(target.Name)
            .Concat(Corpus(target.Name))
            .Where(seed => seed.Length <= MaxBytes)
            .ToList();
        return seeds.Count > 0 ? seeds : throw new InvalidOperationException($"Target {target.Name} has no seeds.");
    }

    /// <summary>Returns the files of the corpus, in a fixed order.</summary>
    public static IEnumerable<byte[]> Corpus(string target)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "corpus", target);
        if (!Directory.Exists(folder)) return [];
        return Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes);
    }

    /// <summary>Parts of the wire format and of texts, which random mutation does not find.</summary>
    public static IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[]
        {
            ":message-type", ":event-type", ":content-type", ":exception-type", ":error-code", ":error-message",
            "event", "exception", "error", "PayloadChunk", "InvokeComplete", "application/json",
            "ErrorCode", "ErrorDetails", "LogResult", "errorType", "errorMessage", "stackTrace", "trace",
            "__type", "message", "Message", "code", "null", "true",
            "statusCode", "headers", "multiValueHeaders", "cookies", "200", "\0\0\0\0\0\0\0\0",
            "{\"", "\":\"", "\"}", "{}", "[]", "\\u00e9", "\\ud800", "\\\"", "1e999",
            "data:", "event:", "id:", "retry:", "\r\n", "\n\n", "\uFEFF", "\r", "\r\r", ":", "\u2028", "\u0085",
            "streaming", "Runtime.", "/2018-06-01/runtime/", "invocation/", "/response", "/error", "Qualifier=", "%2F",
            "arn:aws:lambda:", ":function:", "123456789012:", "$LATEST", "Credential=", "SignedHeaders=", "Signature=",
            "\u001b[31m", "\u202e", "\u0007", "[DONE]", "truncate:", "chunks", "reset", "throttle", "ms", "--payload",
            "\"text\":", "\"base64\":", "\"complete\":", "\"truncated\":", "\"afterMilliseconds\":",
        }.Select(Encoding.UTF8.GetBytes),
        .. new[]
        {
            "\r:message-type\u0007\0\u0005event",
            "\u000b:event-type\u0007\0\fPayloadChunk",
            "\u000b:event-type\u0007\0\u000eInvokeComplete",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF, 0xFF, 0xFF, 0xFF],
        [0x80, 0, 0, 0],
        [0, 0, 0, 16],
        [0, 0, 0, 0],
        [0x01, 0x80, 0, 0],
        [0x01, 0x80, 0, 1],
        [0, 2, 0, 0],
        [0x7F, 0xFF],
        [0x80, 0x00],
        [0xED, 0xA0, 0x80],
    ];

    private static IEnumerable<byte[]> Conformance(string target) => target switch
    {
        "decoder" or "structure" or "crc" => Wires(),
        "reader" => Wires().Concat(Streams()).SelectMany(wire => new byte[][] { [0, .. wire], [1, .. wire] }),
        "headers" => Wires().SelectMany(HeaderBlocks),
        "round-trip" => Streams().Append([]),
        "error-body" => ErrorBodies().Concat(Payloads()),
        "invoke-complete" => Payloads().Concat(ErrorBodies()),
        "prelude" => Preludes().SelectMany(
            payload => Enumerable.Range(0, 3).Select(mode => (byte[])[(byte)mode, .. payload])),
        "payload" => Texts().Concat(Payloads()).SelectMany(
            payload => Enumerable.Range(0, 4).Select(mode => (byte[])[(byte)mode, .. payload])),
        "event-writer" => ServerSentEvents().SelectMany(
            payload => new byte[] { 0, 16, 17, 18, 23, 26 }.Select(flags => (byte[])[flags, .. payload])),
        "runtime-api" => RuntimeRequests(),
        "cli-payload" => CliPayloads(),
        "cli-arguments" => CliArguments(),
        "cli-output" => CliOutputs(),
        _ => [],
    };

    private static IEnumerable<byte[]> Wires() =>
        Files("eventstream").Select(test => ConformanceBytes.Create(test["wire"]));

    private static IEnumerable<byte[]> Streams() =>
        Files("responses/streams").Select(test => ConformanceBytes.Create(test["response"]!["body"]));

    private static IEnumerable<byte[]> ErrorBodies() =>
        Files("responses/errors").Select(test => ConformanceBytes.Create(test["response"]!["body"]));

    private static IEnumerable<byte[]> HeaderBlocks(byte[] wire) =>
        Messages(wire).Select(message => message.Headers.ToArray());

    private static IEnumerable<byte[]> Payloads() =>
        Streams().SelectMany(Messages).Select(message => message.Payload.ToArray());

    private static IEnumerable<byte[]> Preludes() =>
    [
        .. Payloads(),
        .. new[]
        {
            "{\"statusCode\":200,\"headers\":{\"a\":\"b\"},\"multiValueHeaders\":{\"c\":[\"d\",\"e\"]},"
                + "\"cookies\":[\"f=g\"]}\0\0\0\0\0\0\0\0body",
            "\uFEFF {\"statusCode\":4.04e2} \n\0\0\0\0\0\0\0\0",
            "{}\0\0\0\0\0\0\0\0\0",
            "{\"headers\":{\"x\":null,\"y\":1,\"z\":{\"w\":[]}}}\0\0\0\0\0\0\0",
            "<html>",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    private static IEnumerable<byte[]> Texts() => new[]
    {
        "one\ntwo\r\nthree\rfour",
        "\uFEFFeins\nzwei\u00fc\ud83d\ude00",
        "{\"a\":[1,2,{\"b\":null}]}\n{\"a\":1} \"text\" 12 true",
        "[{\"a\":1},{\"b\":\"\\u00e9\"},[],1.5e3]",
        "data: one\ndata: two\n\nevent: e\nid: 7\nretry: 10\ndata: {\"a\":1}\n\n: comment\ndata\n\n",
        "data: \r\ndata:\r\r\ndata: x\n\n",
    }.Select(Encoding.UTF8.GetBytes);

    private static IEnumerable<byte[]> ServerSentEvents() =>
    [
        .. Texts(),
        .. new[]
        {
            "data: one\r\rdata: two\r\r",
            "id: 1\r\nevent: e\r\ndata: {}\r\n\r\nid\r\n\r\nretry: 5\r\n\r\n",
            "\uFEFFdata: one\n\n\n:comment\ndata:  two \u20ac\n",
            "data\ndata:\n\nid: a\0b\ndata: x\n\nevent:e\ndata: incompl",
            "",
        }.Select(Encoding.UTF8.GetBytes),
        [.. "data: "u8, 0xE2, 0x82, (byte)'\n', (byte)'\n', .. "data: "u8, 0xF0, 0x9F],
    ];

    // The first byte is the kind of input; see RuntimeApiTarget.
    private static IEnumerable<byte[]> RuntimeRequests() => new[]
    {
        "\u0000\n\n\n\nchunk",
        "\u0070streaming\napplication/vnd.awslambda.http-integration-response\n\n\n"
            + "{\"statusCode\":200,\"headers\":{},\"cookies\":[]}\0\0\0\0\0\0\0\0body",
        "\u0040\n\nRuntime.Error\neyJlcnJvck1lc3NhZ2UiOiJlIn0=\nchunk",
        "\u0010buffered\n\n\n\nbody",
        "\u0013Function.Error\n\n\n\n{\"errorMessage\":\"e\",\"errorType\":\"E\",\"stackTrace\":[]}",
        "\u0014Runtime.ImportModuleError\n\n\n\n{\"errorMessage\":\"e\"}",
        "\u0035\ninvocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response\n\n\n",
        "\u0075\ninit/error\nlocalhost:9001\n\n",
        "\u0006/2021-11-15/functions/f/response-streaming-invocations?Qualifier=1",
        "\u0006/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-central-1%3A123456789012%3Afunction%3Af/invocations"
            + "?a=b&Qualifier=",
        "\u0007arn:aws:lambda:us-gov-west-1:123456789012:function:my-function:$LATEST",
        "\u0007123456789012:function:f:live",
        "\u0008{\"afterMilliseconds\":12.5,\"text\":\"a\\n\"}",
        "\u0008{\"base64\":\"AAECAw==\"}",
        "\u0008{\"complete\":{\"errorCode\":\"Unhandled\",\"errorDetails\":\"{}\",\"logResult\":null}}",
        "\u0008{\"afterMilliseconds\":1e3,\"truncated\":\"t\"}",
        "\u0009text \u20ac",
        "\u000a{\"a\":[1,-2.5e+3,true,false,null,\"\\u00e9\\n\"]}",
        "\u000btenant\neyJhIjoxfQ==",
        "\u000cAWS4-HMAC-SHA256 Credential=AK/20260101/eu-central-1/lambda/aws4_request, "
            + "SignedHeaders=host;x-amz-date, Signature=00\n20260101T000000Z\n/a/./b/../c%20d?x=%31&y\n",
        "\u000dtype|7|one\ntwo\r\nthree\u2028four\fend",
        "\u000e{\"errorMessage\":\"e\"}",
        "\u000eplain\ntext",
        "\u000fbody",
    }.Select(Encoding.UTF8.GetBytes);

    // The first byte is the kind of input; see CliPayloadTarget.
    private static IEnumerable<byte[]> CliPayloads() =>
    [
        .. new[]
        {
            "\0{\"name\":\"Ada\"}",
            "\0[1,-0.5,1e9,true,null,\"\\u00e9\\n\"]",
            "\0eyJhIjoxfQ==",
            "\0\uFEFF{}",
            "\u0010not JSON",
            "\u0004{\"a\": 1}\n",
            "\u0014payload.json",
            "\u0014",
            "\u0005{\"custom\":{\"k\":\"v\"}}",
            "\u0005eyJhIjoxfQ==",
        }.Select(Encoding.UTF8.GetBytes),
        .. Wires().SelectMany(Messages).Select(message => (byte[])[0, .. message.Payload.ToArray()]).Where(IsText),
    ];

    // The first byte is the kind of input; see CliArgumentsTarget.
    private static IEnumerable<byte[]> CliArguments() => new[]
    {
        "\u0007my-function --payload '{}' --qualifier live --log-tail --http",
        "\u0017--function chat=text:hello --fault chat=throttle --port 0",
        "\u0027f --output file.jsonl --region eu-central-1 --idle-timeout 5s",
        "\u0008The function \u001b[31mfailed\u0007\r\nwith \u202e\u2028text\t\u0085",
        "\t1.5h",
        "\t500ms",
        "\nnode:./chat.mjs 'a b' \"c\\\"d\" e\\ f#handler",
        "\u000bchat@1-2=truncate:137:reset",
        "\u000bf@3=fail:2:Type:a:b",
        "\u000bf=truncate:2chunks:end-of-body",
        "\u000bf=status:503",
        "\u000bf=slow:200ms",
        "\u000bf=exception:1:ThrottlingException",
    }.Select(Encoding.UTF8.GetBytes);

    // The first byte is the format; see CliOutputTarget.
    private static IEnumerable<byte[]> CliOutputs() =>
    [
        .. Texts().Zip(new byte[] { 0x13, 0x23, 0, 1, 2, 3 }, (text, format) => (byte[])[format, .. text]),
        [0x83, .. Preludes().First(payload => payload is [(byte)'{', ..])],
    ];

    private static bool IsText(byte[] payload) => payload.Length is > 2 and < 200 && payload[1] is >= 32 and < 127;

    private static IEnumerable<EventStreamMessage> Messages(byte[] wire)
    {
        var messages = new List<EventStreamMessage>();
        try
        {
            var buffer = new ReadOnlySequence<byte>(wire);
            while (EventStreamDecoder.TryRead(ref buffer, int.MaxValue, default, out var message))
            {
                messages.Add(message);
            }
        }
        catch (ResponseStreamCorruptException)
        {
            // The messages before the damage are still seeds.
        }

        return messages;
    }

    private static IEnumerable<JsonNode> Files(string folder)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "TestData", "conformance", folder);
        return Directory.GetFiles(path, "*.json", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Where(file => new FileInfo(file).Length < 64 * 1024)
            .Select(file => JsonNode.Parse(File.ReadAllBytes(file))!)
            .Where(test => (int?)(test["wire_length"] ?? test["response"]?["body_length"]) <= MaxBytes);
    }
}
