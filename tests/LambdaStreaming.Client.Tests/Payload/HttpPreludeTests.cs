using System.Text;
using System.Threading.Channels;

namespace LambdaStreaming.Tests.Payload;

/// <summary>The prelude of the HTTP integration: its properties, and detection of payloads without a prelude.</summary>
public class HttpPreludeTests
{
    private const string Integration = "application/vnd.awslambda.http-integration-response";

    private static readonly string Delimiter = new('\0', 8);

    private readonly Channel<ReadOnlyMemory<byte>> _chunks = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();

    public static TheoryData<string> ContentTypes => [Integration, "application/vnd.amazon.eventstream", ""];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("{}", 200)]
    [InlineData("""{"headers":{}}""", 200)]
    [InlineData("""{"statusCode":100}""", 100)]
    [InlineData("""{"statusCode":200}""", 200)]
    [InlineData("""{"statusCode":200.0}""", 200)]
    [InlineData("""{"statusCode":2e2}""", 200)]
    [InlineData("""{"statusCode":2.04E+2}""", 204)]
    [InlineData("""{"statusCode":20100e-2}""", 201)]
    [InlineData("""{"statusCode":999}""", 999)]
    public async Task StatusCode_MissingOrIntegralNumber_IsThatNumberOr200(string prelude, int status)
    {
        await using var response = Fragmented.Response(prelude + Delimiter);

        var http = await response.ReadHttpIntegrationResponseAsync(cancellationToken: Token);

        Assert.Equal(status, (int)http.StatusCode);
    }

    [Theory]
    [InlineData("99")]
    [InlineData("99.9")]
    [InlineData("200.5")]
    [InlineData("1000")]
    [InlineData("-200")]
    [InlineData("2e20")]
    [InlineData("2e99999")]
    [InlineData("99999999999999999999999999999999999999")]
    [InlineData("\"200\"")]
    [InlineData("\"\"")]
    [InlineData("null")]
    [InlineData("true")]
    [InlineData("[200]")]
    [InlineData("{}")]
    public async Task StatusCode_IsNotAValidStatus_ThrowsPayloadFormatException(string status)
    {
        foreach (var detection in new[] { HttpPreludeDetection.Auto, HttpPreludeDetection.Always })
        {
            foreach (var contentType in ContentTypes)
            {
                var payload = $$"""{"statusCode":{{status}}}{{Delimiter}}""";
                await using var response = Fragmented.Response(payload, metadata: CreateMetadata(contentType));
                var options = new PayloadReadOptions { HttpPrelude = detection };

                await Assert.ThrowsAsync<PayloadFormatException>(
                    () => response.ReadHttpIntegrationResponseAsync(options, Token));
            }
        }
    }

    [Theory]
    [InlineData("""{"headers":{"X-Id":"1"}}""")]
    [InlineData("""{"headers":{"X-Id":["1"]}}""")]
    [InlineData("""{"multiValueHeaders":{"X-Id":["1"]}}""")]
    [InlineData("""{"headers":{"X-Id":"2"},"multiValueHeaders":{"x-id":["1"]}}""")]
    [InlineData("""{"multiValueHeaders":{"x-id":["1"]},"headers":{"X-Id":"2"}}""")]
    [InlineData("""{"headers":{"X-Id":"1"},"multiValueHeaders":{"x-id":[]}}""")]
    [InlineData("""{"multiValueHeaders":{"X-Id":"1"}}""")]
    public async Task Headers_InAnyPropertyOfThePrelude_AreInBothViews(string prelude)
    {
        await using var response = Fragmented.Response(prelude + Delimiter);

        var http = await response.ReadHttpIntegrationResponseAsync(cancellationToken: Token);

        Assert.Equal("1", http.Headers["x-ID"]);
        Assert.Equal(["1"], http.MultiValueHeaders["x-ID"]);
        Assert.Equal(http.Headers.Keys, http.MultiValueHeaders.Keys);
    }

    [Theory]
    [InlineData("""{"headers":{"vary":"a","Vary":"b"}}""")]
    [InlineData("""{"headers":{"vary":["a","b"]}}""")]
    [InlineData("""{"multiValueHeaders":{"vary":["a"],"VARY":["b"]}}""")]
    public async Task Headers_SeveralValues_AreJoinedByCommas(string prelude)
    {
        await using var response = Fragmented.Response(prelude + Delimiter);

        var http = await response.ReadHttpIntegrationResponseAsync(cancellationToken: Token);

        Assert.Equal("a, b", http.Headers["vary"]);
        Assert.Equal(["a", "b"], http.MultiValueHeaders["vary"]);
    }

    [Theory]
    [InlineData("""{"headers":{"x":null}}""")]
    [InlineData("""{"headers":{"x":[]}}""")]
    [InlineData("""{"headers":{"x":[null]}}""")]
    [InlineData("""{"multiValueHeaders":{"x":null}}""")]
    [InlineData("""{"multiValueHeaders":{"x":[null]}}""")]
    public async Task Headers_HeaderHasNoValue_IsInNeitherView(string prelude)
    {
        await using var response = Fragmented.Response(prelude + Delimiter);

        var http = await response.ReadHttpIntegrationResponseAsync(cancellationToken: Token);

        Assert.Empty(http.Headers);
        Assert.Empty(http.MultiValueHeaders);
    }

    [Theory]
    [InlineData("""{"cookies":["a=1","b=2"]}""")]
    [InlineData("""{"headers":{"set-cookie":"a=1","Set-Cookie":"b=2"}}""")]
    [InlineData("""{"headers":{"SET-COOKIE":["a=1","b=2"]}}""")]
    [InlineData("""{"multiValueHeaders":{"Set-cookie":["a=1","b=2"]}}""")]
    [InlineData("""{"headers":{"Set-Cookie":"b=2"},"cookies":["a=1"]}""")]
    [InlineData("""{"multiValueHeaders":{"Set-Cookie":["a=1"]},"headers":{"set-cookie":"b=2"}}""")]
    [InlineData("""{"multiValueHeaders":{"Set-Cookie":["b=2"]},"headers":{"set-cookie":"b=2"},"cookies":["a=1"]}""")]
    public async Task Cookies_InAnyPropertyOfThePrelude_AreListedOnce(string prelude)
    {
        await using var response = Fragmented.Response(prelude + Delimiter);

        var http = await response.ReadHttpIntegrationResponseAsync(cancellationToken: Token);

        Assert.Equal(["a=1", "b=2"], http.Cookies.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(ContentTypes))]
    public async Task ReadHttpIntegrationResponseAsync_JsonDocumentExceedsTheLimit_IsTheBody(string contentType)
    {
        foreach (var member in new[] { "a", "headers" })
        {
            var document = $$"""{"{{member}}":"{{new string('x', 100_000)}}"}""";
            var chunks = Encoding.UTF8.GetBytes(document).Chunk(1000);
            await using var response = Fragmented.Response(chunks, metadata: CreateMetadata(contentType));

            var http = await response.ReadHttpIntegrationResponseAsync(cancellationToken: Token);

            Assert.False(http.HasPrelude);
            Assert.Equal(document, await http.ReadAsStringAsync(cancellationToken: Token));
        }
    }

    [Theory]
    [InlineData("{\"n\":1}\n", "<{\"n\":1}>")]
    [InlineData(" {\n \"n\" : 1 }\n", "< {>< \"n\" : 1 }>")]
    [InlineData("{\"statusCodes\":1}\n", "<{\"statusCodes\":1}>")]
    [InlineData("[1]\n", "<[1]>")]
    public async Task ReadHttpIntegrationResponseAsync_FirstJsonLineIsNotAPrelude_IsDeliveredBeforeTheNextLine(
        string payload,
        string lines)
    {
        await using var response =
            InvokeWithResponseStreamResponse.Create(ReadAsync(), metadata: CreateMetadata(Integration));
        _chunks.Writer.TryWrite(Encoding.UTF8.GetBytes(payload));

        var http = await response.ReadHttpIntegrationResponseAsync(cancellationToken: Token)
            .WaitAsync(LocalService.TooLong, Token);

        await using var read = http.ReadLinesAsync(cancellationToken: Token).GetAsyncEnumerator(Token);
        var delivered = new StringBuilder();
        while (delivered.Length < lines.Length && await read.MoveNextAsync()) delivered.Append($"<{read.Current}>");
        Assert.Equal(lines, delivered.ToString());
    }

    [Theory]
    [InlineData("{\"n\"")]
    [InlineData("{ \"choices\":[{\"delta\":")]
    [InlineData("{\"multiValueHeaders1")]
    [InlineData("{1")]
    [InlineData("x")]
    public async Task ReadHttpIntegrationResponseAsync_FirstBytesAreNotAPrelude_ReturnsImmediately(string payload)
    {
        await using var response =
            InvokeWithResponseStreamResponse.Create(ReadAsync(), metadata: CreateMetadata(Integration));
        _chunks.Writer.TryWrite(Encoding.UTF8.GetBytes(payload));

        var http = await response.ReadHttpIntegrationResponseAsync(cancellationToken: Token)
            .WaitAsync(LocalService.TooLong, Token);

        var buffer = new byte[1000];
        var count = await http.Body.ReadAsync(buffer, Token);
        Assert.Equal(payload, Encoding.UTF8.GetString(buffer, 0, count));
    }

    private static ResponseStreamMetadata CreateMetadata(string contentType) =>
        new() { ResponseStreamContentType = contentType.Length > 0 ? contentType : null };

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync()
    {
        await foreach (var chunk in _chunks.Reader.ReadAllAsync()) yield return chunk;
    }
}
