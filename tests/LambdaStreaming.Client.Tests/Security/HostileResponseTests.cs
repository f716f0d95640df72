using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Security;

/// <summary>Responses of hostile or broken servers.</summary>
public class HostileResponseTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(LambdaStreamingClientOptions.DefaultMaxMessageBytes)]
    [InlineData(1_000_000)]
    public void ReadAsByteArrayAsync_MessageClaimsALargeLength_AllocatesNothingForIt(int claimed)
    {
        var prelude = Messages.Raw([], new byte[claimed - 16]).AsSpan(0, 12).ToArray();
        Read(prelude);   // compiles the code

        var before = GC.GetAllocatedBytesForCurrentThread();
        var failure = Read(prelude);

        Assert.IsType<ResponseStreamTruncatedException>(failure);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);
    }

    [Fact]
    public void ReadAsByteArrayAsync_ManyHeaders_TakesLinearTime()
    {
        // 26,000 headers of 5 bytes with different names.
        var headers = Enumerable.Range(0, 26_000).SelectMany(i => new byte[]
        {
            3, (byte)('0' + (i % 64)), (byte)('0' + (i / 64 % 64)), (byte)('0' + (i / 4096)), 0,
        });
        var wire = Messages.Raw([.. headers], []);
        var started = TimeProvider.System.GetTimestamp();

        var failure = Read(wire);

        var exception = Assert.IsType<ResponseStreamCorruptException>(failure);
        Assert.Equal(ResponseStreamCorruptionReason.MalformedEvent, exception.Reason);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ResponseHeadersNeverEnd_Throws()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync("HTTP/1.1 200 OK\r\n");
            var value = new string('a', 1000);
            for (var i = 0; ; i++)
                await connection.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"x-{i}: {value}\r\n"));
        });
        using var client = server.CreateClient();

        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(new("f"), Ct));
    }

    [Fact]
    public async Task ReadAsStringAsync_ResponseIsCompressed_IsNotDecompressed()
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write([.. Messages.Chunk("text"), .. Messages.Complete()]);
        }

        await using var server = RawServer.Responding(RawServer.CreateResponse(
            200,
            compressed.ToArray(),
            "Content-Type: application/vnd.amazon.eventstream",
            "Content-Encoding: gzip"));
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        await Assert.ThrowsAsync<ResponseStreamCorruptException>(
            () => response.ReadAsStringAsync(cancellationToken: Ct));
    }

    [Theory]
    [InlineData(
        "gzip",
        "bytes that are longer than a prelude",
        ResponseStreamCorruptionReason.UnexpectedContentEncoding)]
    [InlineData("br", "short", ResponseStreamCorruptionReason.UnexpectedContentEncoding)]
    [InlineData("identity", "bytes that are longer than a prelude", ResponseStreamCorruptionReason.PreludeChecksum)]
    public async Task ReadAsStringAsync_ResponseIsEncoded_ReportsTheContentEncoding(
        string encoding,
        string body,
        ResponseStreamCorruptionReason reason)
    {
        var encoded = RawServer.CreateResponse(200, Encoding.ASCII.GetBytes(body), $"Content-Encoding: {encoding}");
        await using var server = RawServer.Responding(encoded);
        using var client = server.CreateClient();
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        var reading = response.ReadAsStringAsync(cancellationToken: Ct);
        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => reading);

        Assert.Equal(reason, exception.Reason);
    }

    [Fact]
    public async Task ReadAsStringAsync_BytesDoNotHaveTheNamedEncoding_ReadsThem()
    {
        byte[] body = [.. Messages.Chunk("text"), .. Messages.Complete()];
        await using var server = RawServer.Responding(RawServer.CreateResponse(200, body, "Content-Encoding: gzip"));
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        Assert.Equal("text", await response.ReadAsStringAsync(cancellationToken: Ct));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ResponseSetsACookie_DoesNotSendItBack()
    {
        var requests = new List<string>();
        await using var server = new RawServer(async connection =>
        {
            while (await connection.ReadRequestAsync() is { } headers)
            {
                requests.Add(headers);
                await connection.WriteAsync(
                    RawServer.CreateResponse(200, Messages.Complete(), "Set-Cookie: tracked=1"));
            }
        });
        using var client = server.CreateClient();

        for (var i = 0; i < 2; i++)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);
            await response.ReadAsByteArrayAsync(cancellationToken: Ct);
        }

        Assert.Equal(2, requests.Count);
        Assert.DoesNotContain(requests, headers => headers.Contains("Cookie", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Message_ServiceMessageHasControlCharacters_ContainsNone()
    {
        var body = """{"message":"red \u001b[31m bell \u0007 next \u0085"}"""u8.ToArray();
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            new MemoryStream(body), HttpStatusCode.Conflict, ("x-amzn-ErrorType", "FutureException")));

        var exception = await Assert.ThrowsAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(new("f"), Ct));

        Assert.DoesNotContain(exception.Message, char.IsControl);
        Assert.StartsWith("FutureException: red  [31m bell   next", exception.Message, StringComparison.Ordinal);
        Assert.Contains('\u001b', exception.ServiceMessage);
    }

    [Fact]
    public async Task Message_HeadersAreLongAndHaveControlCharacters_IsOneShortLine()
    {
        var logs = new CollectedLogs();
        var options = StubbedClient.Options();
        options.LoggerFactory = logs;
        (string, string)[] headers =
        [
            ("x-amzn-RequestId", "id\u001b[31m" + new string('i', 60_000)),
            ("Content-Type", "\u001b]0;title\u0007;;"),
            ("Location", "/\u001b[31mred"),
        ];
        var html = "<html>a page of some length</html>"u8.ToArray();
        using var redirectingClient = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(new MemoryStream(), HttpStatusCode.Found, headers), options);
        using var htmlClient = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(new MemoryStream(html), HttpStatusCode.OK, headers), options);

        var redirect = await Assert.ThrowsAnyAsync<LambdaServiceException>(
            () => redirectingClient.InvokeWithResponseStreamAsync(new("f"), Ct));
        await using var response = await htmlClient.InvokeWithResponseStreamAsync(new("f"), Ct);
        var corrupt = await Assert.ThrowsAsync<ResponseStreamCorruptException>(
            () => response.ReadAsByteArrayAsync(cancellationToken: Ct));

        string[] texts = [redirect.Message, corrupt.Message, redirect.RequestId!, response.RequestId, .. logs.Lines];
        Assert.All(texts, text =>
        {
            Assert.DoesNotContain(text, char.IsControl);
            Assert.InRange(text.Length, 1, 1000);
        });
        Assert.Contains("/ [31mred", redirect.Message, StringComparison.Ordinal);
        Assert.Contains("]0;title ;;", corrupt.Message, StringComparison.Ordinal);
    }

    private static Exception? Read(byte[] wire)
    {
        var response = InvokeWithResponseStreamResponse.Create(new FragmentedStream(wire, () => int.MaxValue));
        var reading = response.ReadAsByteArrayAsync(cancellationToken: Ct);
        Assert.True(reading.IsCompleted);
        return reading.Exception?.InnerException;
    }
}
