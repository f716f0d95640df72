using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;
using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Http;
using LambdaStreaming.Testing.Recording;
using LambdaStreaming.Testing.RuntimeApi;
using LambdaStreaming.Testing.Signing;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as texts that the local server parses or writes.</summary>
internal static class LocalServerTexts
{
    private static readonly (LambdaOperation Operation, string Version, string Action)[] Operations =
    [
        (LambdaOperation.InvokeWithResponseStream, "2021-11-15", "response-streaming-invocations"),
        (LambdaOperation.Invoke, "2015-03-31", "invocations"),
    ];

    public static void Run(int kind, ReadOnlySpan<byte> input)
    {
        switch (kind)
        {
            case 6:
                CheckTarget(Encoding.Latin1.GetString(input));
                break;
            case 7:
                CheckFunction(Encoding.UTF8.GetString(input));
                break;
            case 8:
                CheckRecordedLine(Encoding.UTF8.GetString(input));
                break;
            case 9:
                CheckRecordedChunk(input.ToArray());
                break;
            case 10:
                CheckJson(input);
                break;
            case 11:
                CheckInvocationHeaders(Encoding.Latin1.GetString(input));
                break;
            case 12:
                CheckSignature(Encoding.Latin1.GetString(input));
                break;
            case 13:
                CheckServerSentEvent(Encoding.UTF8.GetString(input));
                break;
            case 14:
                CheckFunctionError(Encoding.UTF8.GetString(input));
                break;
            default:
                CheckBoundedBody(input.ToArray());
                break;
        }
    }

    private static void CheckTarget(string text)
    {
        var parsed = RequestTarget.Parse("POST", text);
        FindingException.Unless(RequestTarget.Parse("GET", text) is null, "GET was accepted.");
        var query = text.IndexOf('?', StringComparison.Ordinal);
        var parts = (query < 0 ? text : text[..query]).Split('/');
        var expected = parts is ["", var version, "functions", { Length: > 0 }, var action]
            ? Array.Find(Operations, route => route.Version == version && route.Action == action)
            : default;
        FindingException.Unless(parsed is null == expected.Action is null, "The operation differs.");
        if (parsed is null) return;
        FindingException.Unless(parsed.Operation == expected.Operation, "The operation differs.");
        var isDecoded = !parts[3].Contains('%', StringComparison.Ordinal);
        FindingException.Unless(!isDecoded || parsed.NameText == parts[3], "The name differs.");
        var pairs = (query < 0 ? "" : text[(query + 1)..]).Split('&');
        var qualifier = Array.Find(pairs, pair => pair.StartsWith("Qualifier=", StringComparison.Ordinal));
        FindingException.Unless(parsed.QueryQualifier is null == qualifier is null, "The qualifier differs.");
        CheckFunction(parsed.NameText);
    }

    private static void CheckFunction(string text)
    {
        var isName = text.Length > 0 && text.All(IsNameCharacter);
        if (FunctionReference.Parse(text) is not { } function)
        {
            FindingException.Unless(!isName, "A simple name was rejected.");
            return;
        }

        FindingException.Unless(!isName || function == new FunctionReference(text, null), "A simple name differs.");
        FindingException.Unless(function.Name.All(IsNameCharacter), "The name has other characters.");
        var end = function.Qualifier is { } qualifier ? $"{function.Name}:{qualifier}" : function.Name;
        FindingException.Unless(text.EndsWith(end, StringComparison.Ordinal), "The name is not the end of the text.");
        FindingException.Unless(
            function.Qualifier is null or { Length: > 0 },
            "The qualifier is empty.");
    }

    private static bool IsNameCharacter(char character) =>
        char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.';

    private static void CheckRecordedLine(string text)
    {
        RecordedLine? line;
        byte[] payload;
        try
        {
            line = JsonSerializer.Deserialize(text, RecordingJson.Relaxed.RecordedLine);
            if (line is null || line.FindProblem(isFirst: false) is not null) return;
            line.ValidateBase64();
            payload = line.IsChunk ? line.GetPayload() : [];
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            return;
        }

        FindingException.Unless(line.IsChunk != line.IsEnd, "The line is a chunk and an end, or neither.");
        _ = TimeSpan.FromMilliseconds(line.AfterMilliseconds);
        var written = JsonSerializer.Serialize(line, RecordingJson.Relaxed.RecordedLine);
        FindingException.Unless(!written.Contains('\n', StringComparison.Ordinal), "A line has a line break.");
        var again = JsonSerializer.Deserialize(written, RecordingJson.Relaxed.RecordedLine)!;
        FindingException.Unless(again == line, "The line differs after it was written and read.");
        FindingException.Unless(
            !line.IsChunk || again.GetPayload().AsSpan().SequenceEqual(payload),
            "The payload differs after it was written and read.");
    }

    private static void CheckRecordedChunk(byte[] payload)
    {
        var line = RecordedLine.CreateChunk(payload.Length, payload);
        var isText = NaiveJson.IsUtf8(payload);
        FindingException.Unless(line.Text is not null == isText, "The form of the payload is wrong.");
        var text = JsonSerializer.Serialize(line, RecordingJson.Relaxed.RecordedLine);
        FindingException.Unless(
            text.AsSpan().IndexOfAnyInRange('\0', '\u001f') < 0,
            "A line of a recording has a control character.");
        var read = JsonSerializer.Deserialize(text, RecordingJson.Relaxed.RecordedLine)!;
        FindingException.Unless(read.FindProblem(isFirst: false) is null, "A recorded line is not valid.");
        FindingException.Unless(read.GetPayload().AsSpan().SequenceEqual(payload), "The payload differs.");
    }

    private static void CheckJson(ReadOnlySpan<byte> input)
    {
        var isValid = NaiveJson.IsValid(input);
        var problem = JsonText.FindProblem(input);
        FindingException.Unless(problem is null == isValid, $"Problem: {problem ?? "none"}.");
        FindingException.Unless(
            JsonText.IsObject(input) == (isValid && input.TrimStart(" \t\r\n"u8)[0] == '{'),
            "IsObject differs.");
        if (!isValid) return;
        var line = JsonText.ToAsciiLine(Encoding.UTF8.GetString(input));
        FindingException.Unless(line.All(c => c is >= ' ' and <= '~'), "The line has other characters.");
        FindingException.Unless(NaiveJson.IsValid(Encoding.ASCII.GetBytes(line)), "The line is not JSON.");
    }

    private static void CheckInvocationHeaders(string text)
    {
        var split = text.IndexOf('\n', StringComparison.Ordinal);
        var tenantId = split < 0 ? null : text[..split];
        var clientContext = text[(split + 1)..];
        var isAscii = tenantId is null || tenantId.All(c => c is >= ' ' and <= '~');
        var json = NaiveBase64.Decode(clientContext);
        try
        {
            var headers = RuntimeHeaders.Create(RuntimeCall.CreateInvocation(clientContext, tenantId), "arn:f");
            FindingException.Unless(isAscii && json is not null, "An invalid value was accepted.");
            FindingException.Unless(
                headers.TrueForAll(header => header.Value.All(c => c is >= ' ' and <= '~')),
                "A header has other characters.");
            if (json!.Length == 0 || !NaiveJson.IsValid(json)) return;
            var value = headers.Find(header => header.Key == "Lambda-Runtime-Client-Context").Value;
            FindingException.Unless(NaiveJson.IsValid(Encoding.ASCII.GetBytes(value)), "The context is not JSON.");
        }
        catch (FormatException)
        {
            FindingException.Unless(
                !isAscii || json is null || json.Contains((byte)0x7F),
                "A valid value was rejected.");
        }
    }

    private static void CheckSignature(string text)
    {
        var lines = text.Split('\n', 4);
        KeyValuePair<string, string>[] headers =
        [
            new("Authorization", lines[0]),
            new("X-Amz-Date", lines.Length > 1 ? lines[1] : "20260101T000000Z"),
            new("Host", "localhost"),
        ];
        var (path, query) = RequestTarget.Split(lines.Length > 2 ? lines[2] : "/");
        var request = new SignedRequest("POST", path, query ?? "", headers, default);
        var error = AuthorizationHeader.Parse(request, out var header);
        FindingException.Unless(error is null == header is not null, "The result is ambiguous.");
        if (header is null) return;
        FindingException.Unless(header.Scope.Split('/').Length == 4, "The scope does not have four parts.");
        var canonical = CanonicalRequest.Create(request, header.SignedHeaders);
        FindingException.Unless(
            canonical.Count(c => c == '\n') >= header.SignedHeaders.Length + 5,
            "A line of the canonical request is missing.");
    }

    private static void CheckServerSentEvent(string text)
    {
        var lines = text.Split('|', 3);
        var (type, id) = lines.Length < 3 ? (null, null) : (lines[0], lines[1]);
        var data = lines[^1];
        var call = new RuntimeCall();
        var isValid = (type + id).AsSpan().IndexOfAny('\r', '\n') < 0
            && id?.Contains('\0', StringComparison.Ordinal) is not true;
        try
        {
            var written = call.Invocation.Response.WriteServerSentEventAsync(data, type, id);
            SynchronousTask.GetResult(new ValueTask(written));
        }
        catch (ArgumentException)
        {
            FindingException.Unless(!isValid, "A valid event was rejected.");
            return;
        }

        FindingException.Unless(isValid, "A field with a line break was written.");
        var events = new NaiveServerSentEvents();
        events.Read(call.Payload);
        events.RecordLastId();
        FindingException.Unless(events.Count == 1, $"{events.Count} events were written.");
        var expected = data.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        FindingException.Unless(Encoding.UTF8.GetString(events.LastData.Span) == expected, "The data differs.");
        FindingException.Unless(Encoding.UTF8.GetString(events.LastType) == (type ?? ""), "The type differs.");
        FindingException.Unless(events.Records.EndsWith(Encoding.UTF8.GetBytes(id ?? "")), "The id differs.");
    }

    private static void CheckFunctionError(string text)
    {
        var body = new FunctionError("Unhandled", text).ToJson();
        var bytes = Encoding.UTF8.GetBytes(text);
        FindingException.Unless(NaiveJson.IsValid(body.Span) && JsonText.IsObject(body.Span), "The error is not JSON.");
        var isObject = NaiveJson.IsValid(bytes) && bytes.AsSpan().TrimStart(" \t\r\n"u8)[0] == '{';
        using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = int.MaxValue });
        FindingException.Unless(
            isObject
                ? body.Span.SequenceEqual(bytes)
                : json.RootElement.GetProperty("errorMessage").GetString() == text,
            "The error differs.");

        var log = new LogTail();
        foreach (var line in text.Split('\n')) log.Append(line);
        var tail = NaiveBase64.Decode(log.ToBase64());
        FindingException.Unless(tail is { Length: <= 4096 }, "The log tail is too long.");
        byte[] all = [.. bytes, (byte)'\n'];
        FindingException.Unless(
            all.AsSpan().EndsWith(tail) && tail!.Length == Math.Min(all.Length, 4096),
            "The log tail is not the end of the log.");
    }

    private static void CheckBoundedBody(byte[] input)
    {
        var limit = input.Length == 0 ? 0 : input[0];
        var reply = new RuntimeReply("POST", "/", input, default, new FragmentSizes(input).Next);
        var (bytes, isComplete) = SynchronousTask.GetResult(BoundedBody.ReadAsync(reply.Context, limit));
        FindingException.Unless(isComplete == input.Length <= limit, "The result differs.");
        FindingException.Unless(
            bytes.AsSpan().SequenceEqual(input.AsSpan(0, Math.Min(limit, input.Length))),
            "The kept bytes differ.");
    }
}
