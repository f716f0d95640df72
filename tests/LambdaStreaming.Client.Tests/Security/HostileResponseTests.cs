using System.Globalization;
using System.IO.Compression;
using System.Text;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Security;

/// <summary>What a hostile or broken server can make this library do: little.</summary>
public class HostileResponseTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(LambdaStreamingClientOptions.DefaultMaxMessageBytes)]
    [InlineData(1_000_000)]
    public void Read_MessageClaimsALength_NothingIsAllocatedForIt(int claimed)
    {
        var prelude = Messages.Raw([], new byte[claimed - 16]).AsSpan(0, 12).ToArray();
        Read(prelude);   // compiled now

        var before = GC.GetAllocatedBytesForCurrentThread();
        var failure = Read(prelude);

        Assert.IsType<ResponseStreamTruncatedException>(failure);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);
    }

    [Fact]
    public void Read_ManyHeaders_CostTheirLengthAndNotItsSquare()
    {
        // 26,000 headers of 5 bytes, all of different names.
        var block = Enumerable.Range(0, 26_000).SelectMany(i => new byte[] { 3, (byte)('0' + (i % 64)), (byte)('0' + (i / 64 % 64)), (byte)('0' + (i / 4096)), 0 }).ToArray();
        var wire = Messages.Raw(block, []);
        var started = TimeProvider.System.GetTimestamp();

        var failure = Read(wire);

        Assert.Equal(ResponseStreamCorruptionReason.MalformedEvent, Assert.IsType<ResponseStreamCorruptException>(failure).Reason);
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Invoke_HeadWithoutEnd_IsGivenUp()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync("HTTP/1.1 200 OK\r\n");
            for (var i = 0; ; i++) await connection.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"x-{i}: {new string('a', 1000)}\r\n"));
        });
        using var client = server.CreateClient();

        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(new("f"), Token));
    }

    [Fact]
    public async Task Invoke_CompressedAnswer_IsNotExpanded()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true)) gzip.Write([.. Messages.Chunk("text"), .. Messages.Complete()]);
        await using var server = RawServer.Responding(RawServer.Answer(200, packed.ToArray(), "Content-Type: application/vnd.amazon.eventstream", "Content-Encoding: gzip"));
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Token);

        await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => response.ReadAsStringAsync(cancellationToken: Token));
    }

    [Theory]
    [InlineData("gzip", "some bytes that are longer than a prelude", ResponseStreamCorruptionReason.UnexpectedContentEncoding)]
    [InlineData("br", "short", ResponseStreamCorruptionReason.UnexpectedContentEncoding)]
    [InlineData("identity", "some bytes that are longer than a prelude", ResponseStreamCorruptionReason.PreludeChecksum)]
    public async Task Read_ResponseIsEncoded_NamesTheEncodingInsteadOfDamage(
        string encoding,
        string body,
        ResponseStreamCorruptionReason reason)
    {
        var encoded = RawServer.Answer(200, Encoding.ASCII.GetBytes(body), $"Content-Encoding: {encoding}");
        await using var server = RawServer.Responding(encoded);
        using var client = server.CreateClient();
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Token);

        var reading = response.ReadAsStringAsync(cancellationToken: Token);
        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => reading);

        Assert.Equal(reason, exception.Reason);
    }

    [Fact]
    public async Task Read_HeaderNamesAnEncodingThatTheBytesDoNotHave_IsRead()
    {
        byte[] body = [.. Messages.Chunk("text"), .. Messages.Complete()];
        await using var server = RawServer.Responding(RawServer.Answer(200, body, "Content-Encoding: gzip"));
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Token);

        Assert.Equal("text", await response.ReadAsStringAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task Invoke_AnswerSetsACookie_ItIsNotSentBack()
    {
        var heads = new List<string>();
        await using var server = new RawServer(async connection =>
        {
            while (await connection.ReadRequestAsync() is { } head)
            {
                heads.Add(head);
                await connection.WriteAsync(RawServer.Answer(200, Messages.Complete(), "Set-Cookie: tracked=1"));
            }
        });
        using var client = server.CreateClient();

        for (var i = 0; i < 2; i++)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Token);
            await response.ReadAsByteArrayAsync(cancellationToken: Token);
        }

        Assert.Equal(2, heads.Count);
        Assert.DoesNotContain(heads, head => head.Contains("Cookie", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Message_ServiceSaysControlCharacters_TheyDoNotReachTheMessage()
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(Encoding.UTF8.GetBytes("""{"message":"red \u001b[31m bell \u0007 next \u0085"}""")), System.Net.HttpStatusCode.Conflict, ("x-amzn-ErrorType", "FutureException")));

        var exception = await Assert.ThrowsAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(new("f"), Token));

        Assert.DoesNotContain(exception.Message, char.IsControl);
        Assert.StartsWith("FutureException: red  [31m bell   next", exception.Message, StringComparison.Ordinal);
        Assert.Contains('\u001b', exception.ServiceMessage);
    }

    [Fact]
    public async Task Message_HeadersHoldControlCharactersAndNoEnd_AreOneShortLineOfText()
    {
        var logs = new CollectedLogs();
        var options = StubbedClient.Options();
        options.LoggerFactory = logs;
        (string, string)[] headers = [("x-amzn-RequestId", "id\u001b[31m" + new string('i', 60_000)), ("Content-Type", "\u001b]0;title\u0007;;"), ("Location", "/\u001b[31mred")];
        using var redirecting = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(), System.Net.HttpStatusCode.Found, headers), options);
        using var answering = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream("<html>a page of some length</html>"u8.ToArray()), System.Net.HttpStatusCode.OK, headers), options);

        var redirect = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => redirecting.InvokeWithResponseStreamAsync(new("f"), Token));
        await using var response = await answering.InvokeWithResponseStreamAsync(new("f"), Token);
        var page = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => response.ReadAsByteArrayAsync(cancellationToken: Token));

        Assert.All([redirect.Message, page.Message, redirect.RequestId!, response.RequestId, .. logs.Lines], text =>
        {
            Assert.DoesNotContain(text, char.IsControl);
            Assert.InRange(text.Length, 1, 1000);
        });
        Assert.Contains("redirects to / [31mred. ", redirect.Message, StringComparison.Ordinal);
        Assert.Contains("content type is ']0;title ;;'", page.Message.Replace("' ]", "']", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private static Exception? Read(byte[] wire)
    {
        var response = InvokeWithResponseStreamResponse.Create(new FragmentedStream(wire, () => int.MaxValue));
        var reading = response.ReadAsByteArrayAsync(cancellationToken: Token);
        Assert.True(reading.IsCompleted);
        return reading.Exception?.InnerException;
    }
}
