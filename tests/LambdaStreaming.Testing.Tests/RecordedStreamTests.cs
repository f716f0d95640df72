using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

public class RecordedStreamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SaveAndLoad_OfAStream_ServesTheSameAgain()
    {
        var path = Path.GetTempFileName();
        try
        {
            await using var server = await LocalLambdaServer.StartAsync(
                s => s.AddFunction("live", async (_, response, cancellationToken) =>
                {
                    await response.WriteTextAsync("grüße \"x\"", cancellationToken);
                    await response.WriteAsync(new byte[] { 0xff, 0x00 }, cancellationToken);
                    response.Log("a line");
                    response.Fail("Function.Broken", "details");
                }),
                Token);
            using var client = server.CreateClient();

            await using (var live = await client.InvokeWithResponseStreamAsync(new("live") { LogType = LogType.Tail }, Token))
                await (await RecordedStream.RecordAsync(live, Token)).SaveAsync(path, Token);
            var recording = await RecordedStream.LoadAsync(path, Token);
            server.AddFunction("again", recording, ReplayTiming.Immediate);
            await using var again = await client.InvokeWithResponseStreamAsync(new("again") { LogType = LogType.Tail }, Token);
            var chunks = new List<byte[]>();
            var error = await Assert.ThrowsAsync<FunctionErrorException>(async () =>
            {
                await foreach (var chunk in again.ReadChunksAsync(Token)) chunks.Add(chunk.ToArray());
            });

            Assert.Equal(2, recording.ChunkCount);
            Assert.Equal(["grüße \"x\""u8.ToArray(), [0xff, 0x00]], chunks);
            Assert.Equal(("Function.Broken", "details", "a line\n"), (error.ErrorCode, error.ErrorDetails, again.InvokeComplete?.DecodeLogResult()));
            Assert.Contains("grüße", await File.ReadAllTextAsync(path, Token));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Replay_OfACutStream_IsCutAgain()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("cut", (_, response, cancellationToken) => response.WriteTextAsync("part", cancellationToken)).OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.EndOfBody), Token);
        using var client = server.CreateClient();

        RecordedStream recording;
        await using (var live = await client.InvokeWithResponseStreamAsync(new("cut"), Token)) recording = await RecordedStream.RecordAsync(live, Token);
        server.AddFunction("again", recording, ReplayTiming.Immediate);
        await using var again = await client.InvokeWithResponseStreamAsync(new("again"), Token);
        var error = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(async () =>
        {
            await foreach (var chunk in again.ReadChunksAsync(Token)) Assert.Equal("part"u8.ToArray(), chunk.ToArray());
        });

        Assert.Equal(1, error.ChunksReceived);
    }

    [Fact]
    public async Task Replay_AsRecorded_WaitsByTheServersClock()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, """
                {"contentType":"text/plain"}
                {"afterMilliseconds":60000,"text":"late"}
                {"afterMilliseconds":60000,"complete":{}}
                """, Token);
            var recording = await RecordedStream.LoadAsync(path, Token);
            await using var server = await LocalLambdaServer.StartAsync(
                s =>
                {
                    s.TimeProvider = clock;
                    s.AddFunction("again", recording, ReplayTiming.AsRecorded).WithTimeout(TimeSpan.FromDays(40));
                },
                Token);
            using var http = new SignedHttp(server);
            using var response = await http.InvokeAsync("again");

            var body = response.Content.ReadAsByteArrayAsync(Token);
            Assert.Equal(0, server.Requests[0].BytesSent);
            while (!body.IsCompleted)
            {
                clock.Advance(TimeSpan.FromSeconds(30));
                await Task.Yield();
            }

            Assert.Equal(["late"], Messages.Chunks(await body));
            Assert.Equal(TimeSpan.FromMinutes(1), recording.Duration);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{}\n{\"text\":\"a\"}")]
    [InlineData("{}\n{\"text\":")]
    public async Task LoadAsync_NoRecording_Throws(string content)
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, content, Token);

            await Assert.ThrowsAsync<InvalidDataException>(() => RecordedStream.LoadAsync(path, Token));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task LoadAsync_LogIsNoBase64_IsServedAsItCame()
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(path, ["{}", """{"complete":{"logResult":"!"}}"""], Token);
            await using var server = await LocalLambdaServer.StartAsync(_ => { }, Token);
            server.AddFunction("f", await RecordedStream.LoadAsync(path, Token), ReplayTiming.Immediate);
            using var client = server.CreateClient();

            await using var response = await client.InvokeWithResponseStreamAsync(new("f") { LogType = LogType.Tail }, Token);
            await response.ReadAsStringAsync(cancellationToken: Token);

            Assert.Equal("!\n", response.InvokeComplete?.DecodeLogResult());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Replay_DetailsOfAnErrorWithoutItsCode_FailsAgain()
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(path, ["{}", """{"complete":{"errorCode":"","errorDetails":"out of memory"}}"""], Token);
            var recording = await RecordedStream.LoadAsync(path, Token);
            await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("again", recording, ReplayTiming.Immediate), Token);
            using var client = server.CreateClient();
            await using var again = await client.InvokeWithResponseStreamAsync(new("again"), Token);

            var error = await Assert.ThrowsAsync<FunctionErrorException>(() => again.ReadAsByteArrayAsync(cancellationToken: Token));

            Assert.Equal(("Unhandled", "out of memory"), (error.ErrorCode, error.ErrorDetails));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData(1, """{"event":"head","statusCode":200}""", """{"complete":{}}""")]
    [InlineData(1, """{"text":"a"}""", """{"complete":{}}""")]
    [InlineData(1, """{"complete":{}}""", """{"complete":{}}""")]
    [InlineData(2, "{}", """{"text":"a","base64":"YQ=="}""", """{"complete":{}}""")]
    [InlineData(2, "{}", """{"text":"a","complete":{}}""")]
    [InlineData(2, "{}", """{"complete":{},"cut":"it was"}""")]
    [InlineData(2, "{}", """{"contentType":"text/plain"}""", """{"complete":{}}""")]
    [InlineData(2, "{}", """{"afterMilliseconds":-1,"text":"a"}""", """{"complete":{}}""")]
    [InlineData(2, "{}", """{"complete":{"errorType":"Unhandled"}}""")]
    [InlineData(2, "{}", """{"Error":{"errorCode":"Unhandled"}}""", """{"complete":{}}""")]
    [InlineData(4, "{}", "", """{"complete":{"errorCode":"Unhandled"}}""", """{"complete":{}}""")]
    [InlineData(3, "{}", """{"cut":"it was"}""", """{"text":"a"}""", """{"complete":{}}""")]
    public async Task LoadAsync_LineIsOutOfPlace_ThrowsNamingIt(int number, params string[] lines)
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(path, lines, Token);

            var exception = await Assert.ThrowsAsync<InvalidDataException>(() => RecordedStream.LoadAsync(path, Token));

            Assert.StartsWith($"Line {number} of", exception.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("""{"base64":"!"}""")]
    public async Task LoadAsync_LineIsNone_Throws(string line)
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(path, ["{}", line, "{}"], TestContext.Current.CancellationToken);

            var exception = await Assert.ThrowsAsync<InvalidDataException>(() => RecordedStream.LoadAsync(path, TestContext.Current.CancellationToken));

            Assert.Contains("Line 2", exception.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
