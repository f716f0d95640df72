using System.Text;

namespace LambdaStreaming.Fuzz;

/// <summary>
/// Any bytes as requests of a function's process to the Runtime API, and as other texts that the local server parses.
/// </summary>
/// <remarks>
/// The first byte selects the request or the text. A request has four lines for headers and trailers, then its body.
/// Lines are Latin-1. Bits 4 to 7 of the first byte select which headers and trailers exist.
/// </remarks>
internal static class RuntimeApiTarget
{
    private const string Invocation = "/2018-06-01/runtime/invocation/";

    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        switch (input[0] & 15)
        {
            case 0 or 1 or 2:
                RunResponse(new RuntimeInput(input));
                break;
            case 3:
                RunError(new RuntimeInput(input));
                break;
            case 4:
                RunInitError(new RuntimeInput(input));
                break;
            case 5:
                RunRoute(new RuntimeInput(input));
                break;
            default:
                LocalServerTexts.Run(input[0] & 15, input.AsSpan(1));
                break;
        }
    }

    private static void RunResponse(RuntimeInput input)
    {
        var call = new RuntimeCall();
        var headers = new RuntimeRequestHeaders
        {
            Mode = input.Has(0) ? input.Lines[0] : null,
            ContentType = input.Has(1) ? input.Lines[1] : null,
            HasTrailers = input.Has(2),
            TrailerErrorType = input.Has(3) ? input.Lines[2] : null,
            TrailerErrorBody = input.Lines[3],
        };
        var path = $"{Invocation}{RuntimeCall.RequestId}/response";
        var reply = call.Send("POST", path, input.Body, headers, input.NextSize);
        CheckReply(reply);

        if (headers.Mode is not (null or "" or "streaming"))
        {
            FindingException.Unless(reply.Status == 400, $"Status {reply.Status} for the mode '{headers.Mode}'.");
            CheckError(call, "Runtime.InvalidResponseModeHeader", null);
            FindingException.Unless(call.Payload.IsEmpty, "Bytes were forwarded in spite of the mode.");
            return;
        }

        FindingException.Unless(reply.Status == 202, $"Status {reply.Status} for a response.");
        FindingException.Unless(call.Payload.SequenceEqual(input.Body), "The forwarded bytes differ.");
        var canBeSent = headers.ContentType is { } text && text.Any(character => character != ' ')
            && text.All(character => character is >= ' ' and <= '~');
        var contentType = canBeSent ? headers.ContentType : "application/octet-stream";
        FindingException.Unless(call.Output.ContentType == contentType, "The content type differs.");
        if (headers is { HasTrailers: true, TrailerErrorType: { } type })
        {
            var details = NaiveBase64.Decode(input.Lines[3]) is { } bytes
                ? Encoding.UTF8.GetString(bytes)
                : input.Lines[3];
            CheckError(call, string.IsNullOrWhiteSpace(type) ? "Runtime.Unknown" : type, details);
        }
        else
        {
            FindingException.Unless(call.Output.Error is null, $"The error {call.Output.Error} does not exist.");
        }

        var second = call.Send("POST", path, input.Body, headers, input.NextSize);
        FindingException.Unless(second.Status == 403, $"Status {second.Status} for a second response.");
    }

    private static void RunError(RuntimeInput input)
    {
        var call = new RuntimeCall();
        var headers = new RuntimeRequestHeaders { ErrorType = input.Has(0) ? input.Lines[0] : null };
        var reply = call.Send(
            "POST", $"{Invocation}{RuntimeCall.RequestId}/error", input.Body, headers, input.NextSize);
        CheckReply(reply);
        FindingException.Unless(reply.Status == 202, $"Status {reply.Status} for an error.");
        CheckError(call, "Unhandled", Encoding.UTF8.GetString(input.Body));
    }

    private static void RunInitError(RuntimeInput input)
    {
        var call = new RuntimeCall();
        var type = input.Has(0) ? input.Lines[0] : null;
        var reply = call.Send(
            "POST",
            "/2018-06-01/runtime/init/error",
            input.Body,
            new RuntimeRequestHeaders { ErrorType = type },
            input.NextSize);
        CheckReply(reply);
        FindingException.Unless(reply.Status == 202, $"Status {reply.Status} for an init error.");
        var expected = string.IsNullOrWhiteSpace(type) ? "Runtime.Unknown" : type;
        CheckError(call, expected, Encoding.UTF8.GetString(input.Body));
        FindingException.Unless(call.Invocation.IsFaulted, "The process can be used again.");
    }

    // The last line is the path, or its end.
    private static void RunRoute(RuntimeInput input)
    {
        var method = input.Has(0) ? "POST" : "GET";
        var path = (input.Has(1) ? "/2018-06-01/runtime/" : "/") + input.Lines[1];
        if (method == "GET" && path == $"{Invocation}next") return;
        var call = new RuntimeCall();
        var host = input.Has(2) ? string.Concat(input.Lines[2].Where(IsHostCharacter)) : null;
        var reply = call.Send(
            method, path, input.Body, new RuntimeRequestHeaders { Host = host }, input.NextSize);
        CheckReply(reply);
        var isKnown = method == "POST" && (host is null || reply.Status != 403)
            && (path == "/2018-06-01/runtime/init/error" || path == $"{Invocation}{RuntimeCall.RequestId}/response"
                || path == $"{Invocation}{RuntimeCall.RequestId}/error");
        FindingException.Unless(
            reply.Status == 202 == isKnown,
            $"Status {reply.Status} for {method} {path}.");
        FindingException.Unless(call.Invocation.Completed.IsCompleted == isKnown, "The state of the call is wrong.");
    }

    // Kestrel rejects most other characters before it calls the endpoint.
    private static bool IsHostCharacter(char character) =>
        char.IsAsciiLetterOrDigit(character) || "-._:[]".Contains(character, StringComparison.Ordinal);

    private static void CheckReply(RuntimeReply reply)
    {
        FindingException.Unless(!reply.IsAborted, "The connection was aborted.");
        FindingException.Unless(NaiveJson.IsValid(reply.Body), "The reply is not JSON.");
        FindingException.Unless(
            reply.Context.Response.ContentLength == reply.Body.Length,
            "The length of the reply differs.");
    }

    private static void CheckError(RuntimeCall call, string code, string? details)
    {
        FindingException.Unless(call.Invocation.Completed.IsCompleted, "The call is not completed.");
        FindingException.Unless(
            call.Output.Error?.Code == code,
            $"Error {call.Output.Error?.Code ?? "null"}; expected {code}.");
        FindingException.Unless(
            details is null || call.Output.Error!.Details == details,
            "The details of the error differ.");
        FindingException.Unless(
            NaiveJson.IsValid(call.Output.Error!.ToJson().Span),
            "The error of a buffered response is not JSON.");
    }
}

/// <summary>The parts of an input of <see cref="RuntimeApiTarget"/>.</summary>
internal sealed class RuntimeInput
{
    private readonly byte _flags;
    private readonly FragmentSizes _sizes;

    public RuntimeInput(byte[] input)
    {
        _flags = input[0];
        _sizes = new FragmentSizes(input);
        var rest = input.AsSpan(1);
        for (var i = 0; i < Lines.Length; i++)
        {
            var end = rest.IndexOf((byte)'\n');
            Lines[i] = Encoding.Latin1.GetString(end < 0 ? rest : rest[..end]);
            rest = end < 0 ? default : rest[(end + 1)..];
        }

        Body = rest.ToArray();
    }

    public string[] Lines { get; } = new string[4];

    public byte[] Body { get; }

    public bool Has(int bit) => (_flags & (16 << bit)) != 0;

    public int NextSize() => _sizes.Next();
}
