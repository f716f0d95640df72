using System.Text;
using System.Text.Json;

namespace LambdaStreaming.Http.Tests;

/// <summary>Tests of <see cref="FunctionUrlEvent"/> without <see cref="LambdaHttpHandler"/>.</summary>
public sealed class FunctionUrlEventTests
{
    [Theory]
    [InlineData("application/json", null, "{}", "{}")]
    [InlineData("application/vnd.api+json", null, "{}", "{}")]
    [InlineData("application/json+zip", null, "{}", "{}")]
    [InlineData("image/svg+xml", null, "<a/>", "<a/>")]
    [InlineData("application/xml", null, "<a/>", "<a/>")]
    [InlineData("application/javascript", null, "a", "a")]
    [InlineData("TEXT/HTML; charset=utf-8", null, "<p>", "<p>")]
    [InlineData("application/json", "gzip", "{}", null)]
    [InlineData("application/json", "", "{}", "{}")]
    [InlineData("application/octet-stream", null, "abc", null)]
    [InlineData("json", null, "abc", null)]
    [InlineData(null, null, "abc", null)]
    [InlineData("text/plain", null, "\u00ff latin-1", null)]
    public void TryCreatePayload_Body_IsTextOrBase64(string? contentType, string? encoding, string body, string? text)
    {
        var bytes = Encoding.Latin1.GetBytes(body);
        List<KeyValuePair<string, string>> headers = [];
        if (contentType is not null) headers.Add(new("CONTENT-TYPE", contentType));
        if (encoding is not null) headers.Add(new("content-encoding", encoding));

        var json = Create(headers, body: bytes);

        Assert.Equal(text is null, json.GetProperty("isBase64Encoded").GetBoolean());
        Assert.Equal(text ?? Convert.ToBase64String(bytes), json.GetProperty("body").GetString());
    }

    [Fact]
    public void TryCreatePayload_Headers_AreLowerCaseAndJoined()
    {
        var json = Create(
            [
                new(":method", "GET"), new("X-Many", "1"), new("x-many", "2"),
                new("Connection", "close, X-Hop, host"), new("X-HOP", "1"), new("Host", "b"),
                new("Expect", "100-continue"), new("User-Agent", "a"),
            ]);

        Assert.Equal("""{"x-many":"1,2","host":"b","user-agent":"a"}""", json.GetProperty("headers").GetRawText());
    }

    // As in captured events of function URLs: see the source of FunctionUrlEvent.
    [Fact]
    public void TryCreatePayload_Cookies_AreAListAndOneHeader()
    {
        var json = Create([new("COOKIE", "foo=bar; hello=hello"), new("X-One", "1"), new("Cookie", "c=3")]);

        Assert.Equal("""["foo=bar","hello=hello","c=3"]""", json.GetProperty("cookies").GetRawText());
        Assert.Equal(
            """{"cookie":"foo=bar; hello=hello; c=3","x-one":"1"}""",
            json.GetProperty("headers").GetRawText());
    }

    [Theory]
    [InlineData("/capture/space%20value", "/capture/space value")]
    [InlineData("/%C3%A9/a+b/%252F", "/é/a+b/%2F")]
    [InlineData("/a%2Fb", "/a/b")]
    [InlineData("/%FF/%zz", "/%FF/%zz")]
    public void TryCreatePayload_Path_IsDecodedInContext(string rawPath, string expected)
    {
        var json = Create([], rawPath: rawPath);

        Assert.Equal(rawPath, json.GetProperty("rawPath").GetString());
        Assert.Equal(
            expected,
            json.GetProperty("requestContext").GetProperty("http").GetProperty("path").GetString());
    }

    [Fact]
    public void AllowHeader_RejectsUserAgent_ContextDoesNotContainIt()
    {
        var json = Create([new("User-Agent", "a"), new("X-Kept", "1")], allowHeader: name => name != "User-Agent");

        Assert.Equal("""{"x-kept":"1"}""", json.GetProperty("headers").GetRawText());
        Assert.Equal("", GetUserAgent(json));
    }

    [Theory]
    [InlineData("close", "a,b")]
    [InlineData("user-agent", "")]
    public void TryCreatePayload_UserAgent_IsInContextUnlessConnectionListsIt(string connection, string expected)
    {
        var json = Create([new("User-Agent", "a"), new("user-agent", "b"), new("Connection", connection)]);

        Assert.Equal(expected, GetUserAgent(json));
    }

    [Theory]
    [InlineData("a=1&A=2&a=%C3%A9+3&=4&b&&c=x=y", """{"a":"1,é 3","A":"2","":"4","b":"","c":"x=y"}""")]
    [InlineData("a=%zz%", """{"a":"%zz%"}""")]
    [InlineData("", null)]
    public void TryCreatePayload_Query_IsDecoded(string query, string? expected)
    {
        var json = Create([], query);

        Assert.Equal(query, json.GetProperty("rawQueryString").GetString());
        Assert.Equal(expected, json.TryGetProperty("queryStringParameters", out var value) ? value.GetRawText() : null);
    }

    [Theory]
    [InlineData('a', 1)]
    [InlineData('\u0001', 6)]
    public void TryCreatePayload_AtTheLimit_IsAccepted(char character, int encodedLength)
    {
        KeyValuePair<string, string>[] headers = [new("Content-Type", "text/plain")];
        Assert.True(Event(headers, body: "x"u8.ToArray()).TryCreatePayload(out var small));
        var room = (FunctionUrlEvent.MaxPayloadBytes - small.Length + 1) / encodedLength;
        var body = new byte[room + 1];
        Array.Fill(body, (byte)character);

        Assert.True(Event(headers, body: body.AsMemory(0, room)).TryCreatePayload(out var payload));
        Assert.InRange(FunctionUrlEvent.MaxPayloadBytes - payload.Length, 0, encodedLength);
        Assert.False(Event(headers, body: body).TryCreatePayload(out var tooLarge));
        Assert.True(tooLarge.IsEmpty);
    }

    private static JsonElement Create(
        IEnumerable<KeyValuePair<string, string>> headers,
        string query = "",
        ReadOnlyMemory<byte> body = default,
        Func<string, bool>? allowHeader = null,
        string rawPath = "/")
    {
        Assert.True(Event(headers, query, body, allowHeader, rawPath).TryCreatePayload(out var payload));
        return JsonDocument.Parse(payload).RootElement;
    }

    private static string? GetUserAgent(JsonElement json) =>
        json.GetProperty("requestContext").GetProperty("http").GetProperty("userAgent").GetString();

    private static FunctionUrlEvent Event(
        IEnumerable<KeyValuePair<string, string>> headers,
        string query = "",
        ReadOnlyMemory<byte> body = default,
        Func<string, bool>? allowHeader = null,
        string rawPath = "/") => new()
        {
            Method = "POST",
            RawPath = rawPath,
            RawQueryString = query,
            Headers = headers,
            AllowHeader = allowHeader,
            DomainName = "web",
            Body = body,
            Time = DateTimeOffset.UnixEpoch,
        };
}
