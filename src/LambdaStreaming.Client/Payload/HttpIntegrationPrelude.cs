using System.Globalization;
using System.Net;
using System.Text.Json;

namespace LambdaStreaming.Payload;

/// <summary>Takes the prelude of Lambda's HTTP integration off the front of a payload.</summary>
/// <remarks>
/// <code>
/// JSON object {statusCode, headers, multiValueHeaders, cookies} | 8 NUL bytes | body
/// </code>
/// Source: AWS Lambda's Node.js runtime interface client, HttpResponseStream.js; API Gateway, "Lambda proxy integration response streaming". The two parts are
/// separate writes and come cut anywhere. The same runtime leaves the prelude out, though the content type announces it, when a function only calls <c>end(body)</c>.
/// </remarks>
internal static class HttpIntegrationPrelude
{
    private const string IntegrationContentType = "application/vnd.awslambda.http-integration-response";
    private const string EventStreamContentType = "application/vnd.amazon.eventstream";
    private const int DelimiterBytes = 8;

    private enum Finding
    {
        NeedsMore,
        Found,
        Missing,
        TooLong,
    }

    public static async Task<HttpIntegrationResponse> ReadAsync(InvokeWithResponseStreamResponse response, PayloadCursor cursor, PayloadReadOptions options)
    {
        var isAnnounced = IsAnnounced(response.ResponseStreamContentType, options.HttpPrelude);
        if (isAnnounced == false) return new HttpIntegrationResponse(response, cursor);

        byte[] seen = [];
        var count = 0;
        var search = new Search();
        try
        {
            while (await cursor.MoveNextAsync().ConfigureAwait(false))
            {
                var piece = cursor.Current;
                PayloadBuffer.Reserve(ref seen, count, piece.Length);
                piece.CopyTo(seen.AsMemory(count));
                count += piece.Length;

                var finding = search.Look(seen.AsSpan(0, count), options.MaxPreludeBytes);
                if (finding == Finding.TooLong)
                {
                    if (isAnnounced == true)
                        throw cursor.TooLong("The prelude of the HTTP integration", nameof(PayloadReadOptions.MaxPreludeBytes), options.MaxPreludeBytes, 0, $", or, if the answer has none, set {nameof(PayloadReadOptions.HttpPrelude)} to {nameof(HttpPreludeDetection.Never)}");
                    finding = Finding.Missing;
                }

                if (finding == Finding.NeedsMore) continue;
                if (finding == Finding.Found && Parse(cursor, seen.AsMemory(0, search.JsonBytes), mustParse: isAnnounced == true) is { } head)
                {
                    var bodyStart = search.JsonBytes + search.SpaceBytes + DelimiterBytes;
                    cursor.Unread(piece[(piece.Length - (count - bodyStart))..]);
                    return new HttpIntegrationResponse(response, cursor, head);
                }

                break;
            }

            // No prelude, or the answer ended before it was one: all of it is the body.
            cursor.Unread(seen.AsSpan(0, count).ToArray());
            return new HttpIntegrationResponse(response, cursor);
        }
        catch
        {
            cursor.Dispose();
            throw;
        }
        finally
        {
            PayloadBuffer.Release(ref seen);
        }
    }

    // Null: the head does not say. What the live service puts there is not verified; with the event stream's own type the bytes must tell.
    private static bool? IsAnnounced(string? contentType, HttpPreludeDetection detection)
    {
        if (detection != HttpPreludeDetection.Auto) return detection == HttpPreludeDetection.Always;
        var mediaType = (contentType ?? "").AsSpan();
        if (mediaType.IndexOf(';') is >= 0 and var parameters) mediaType = mediaType[..parameters];
        mediaType = mediaType.Trim();
        if (mediaType.Equals(IntegrationContentType, StringComparison.OrdinalIgnoreCase)) return true;
        return mediaType.IsEmpty || mediaType.Equals(EventStreamContentType, StringComparison.OrdinalIgnoreCase) ? null : false;
    }

    private static HttpIntegrationHead? Parse(PayloadCursor cursor, ReadOnlyMemory<byte> json, bool mustParse)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return HeadOf(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
        {
            return mustParse ? throw cursor.BadFormat($"The {json.Length} bytes before the 8 NUL bytes are no prelude of the HTTP integration: an object with statusCode, headers, multiValueHeaders and cookies was expected.", 0, null, exception) : null;
        }
    }

    private static HttpIntegrationHead HeadOf(JsonElement prelude)
    {
        var head = new HttpIntegrationHead();
        var repeated = Lists();
        var given = Lists();
        foreach (var member in prelude.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null) continue;
            switch (member.Name)
            {
                case "statusCode":
                    head.StatusCode = (HttpStatusCode)StatusCodeOf(member.Value);
                    break;
                case "headers":
                    foreach (var header in member.Value.EnumerateObject()) AddHeader(head.Headers, repeated, header);
                    break;
                case "multiValueHeaders":
                    foreach (var header in member.Value.EnumerateObject())
                    {
                        if (header.Value.ValueKind != JsonValueKind.Null) ListOf(given, header.Name).AddRange(header.Value.EnumerateArray().Select(TextOf));
                    }

                    break;
                case "cookies":
                    head.Cookies = [.. member.Value.EnumerateArray().Select(TextOf)];
                    break;
            }
        }

        // Where a name is in both members, multiValueHeaders holds, whichever comes first.
        foreach (var (name, values) in given) head.MultiValueHeaders[name] = values;
        foreach (var (name, values) in repeated) head.MultiValueHeaders.TryAdd(name, values);
        return head;

        static Dictionary<string, List<string>> Lists() => new(StringComparer.OrdinalIgnoreCase);
    }

    // Names that differ in case only are one header with several values; some frameworks write an array where one value belongs. None of them is lost.
    private static void AddHeader(Dictionary<string, string> headers, Dictionary<string, List<string>> repeated, JsonProperty header)
    {
        if (header.Value.ValueKind == JsonValueKind.Null) return;
        var isArray = header.Value.ValueKind == JsonValueKind.Array;
        if (!isArray && !repeated.ContainsKey(header.Name))
        {
            var text = TextOf(header.Value);

            // The same again, e.g. Content-Type by two layers of a framework, is no second value.
            if (headers.TryAdd(header.Name, text) || headers[header.Name] == text) return;
        }


        var values = ListOf(repeated, header.Name);
        if (headers.Remove(header.Name, out var first)) values.Add(first);
        if (isArray) values.AddRange(header.Value.EnumerateArray().Select(TextOf));
        else values.Add(TextOf(header.Value));
    }

    private static List<string> ListOf(Dictionary<string, List<string>> lists, string name)
    {
        if (!lists.TryGetValue(name, out var values)) lists[name] = values = [];
        return values;
    }

    // Some frameworks write the number as text.
    private static int StatusCodeOf(JsonElement value)
    {
        var isNumber = value.ValueKind == JsonValueKind.String ? int.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var code) : value.TryGetInt32(out code);
        return isNumber && code is >= 100 and <= 999 ? code : throw new FormatException("A status code has three digits.");
    }

    private static string TextOf(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    /// <summary>Looks at each byte once, however they come.</summary>
    private struct Search
    {
        private static readonly byte[] Delimiter = new byte[DelimiterBytes];

        private JsonFrame _object;
        private int _lookedForNul;

        /// <summary>The length of the object; 0 while its end is not known.</summary>
        public int JsonBytes { get; private set; }

        /// <summary>White space between the object and the NUL bytes, which some JSON writers leave.</summary>
        public int SpaceBytes { get; private set; }

        /// <param name="bytes">All that has come.</param>
        /// <param name="maxBytes">How long object and space may be. What comes after that is not looked at: how much of it is here already depends on how the answer was cut.</param>
        public Finding Look(ReadOnlySpan<byte> bytes, int maxBytes)
        {
            if (JsonBytes == 0)
            {
                if (bytes[0] != '{') return Finding.Missing;
                var within = bytes[..Math.Min(bytes.Length, maxBytes)];
                var end = _object.FindEnd(within);

                // No JSON has a NUL byte in it.
                if (within[_lookedForNul..(end < 0 ? within.Length : end)].Contains((byte)0)) return Finding.Missing;
                _lookedForNul = within.Length;
                if (end < 0) return bytes.Length > maxBytes ? Finding.TooLong : Finding.NeedsMore;
                JsonBytes = end;
            }

            var rest = bytes[JsonBytes..];
            SpaceBytes = rest[SpaceBytes..].IndexOfAnyExcept(" \t\r\n"u8) is >= 0 and var at ? SpaceBytes + at : rest.Length;
            if (JsonBytes + SpaceBytes > maxBytes) return Finding.TooLong;
            rest = rest[SpaceBytes..];
            rest = rest[..Math.Min(rest.Length, DelimiterBytes)];
            if (!Delimiter.AsSpan().StartsWith(rest)) return Finding.Missing;
            return rest.Length == DelimiterBytes ? Finding.Found : Finding.NeedsMore;
        }
    }
}

/// <summary>What a prelude says. What it leaves out has the defaults that Lambda's function URLs use.</summary>
internal sealed class HttpIntegrationHead
{
    public HttpStatusCode StatusCode { get; set; } = HttpStatusCode.OK;

    public Dictionary<string, string> Headers { get; } = new(StringComparer.OrdinalIgnoreCase);

    public Dictionary<string, IReadOnlyList<string>> MultiValueHeaders { get; } = new(StringComparer.OrdinalIgnoreCase);

    public IReadOnlyList<string> Cookies { get; set; } = [];
}
