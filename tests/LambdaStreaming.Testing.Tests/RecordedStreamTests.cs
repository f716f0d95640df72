using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

public class RecordedStreamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SaveAndLoadAsync_Stream_ReplaysTheSameResponse()
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

            var liveRequest = new InvokeWithResponseStreamRequest("live") { LogType = LogType.Tail };
            await using (var live = await client.InvokeWithResponseStreamAsync(liveRequest, Token))
                await (await RecordedStream.RecordAsync(live, Token)).SaveAsync(path, Token);
            var recording = await RecordedStream.LoadAsync(path, Token);
            server.AddFunction("replay", recording, ReplayTiming.Immediate);
            var replayRequest = new InvokeWithResponseStreamRequest("replay") { LogType = LogType.Tail };
            await using var replay = await client.InvokeWithResponseStreamAsync(replayRequest, Token);
            var chunks = new List<byte[]>();
            var error = await Assert.ThrowsAsync<FunctionErrorException>(async () =>
            {
                await foreach (var chunk in replay.ReadChunksAsync(Token)) chunks.Add(chunk.ToArray());
            });

            Assert.Equal(2, recording.ChunkCount);
            Assert.Equal(["grüße \"x\""u8.ToArray(), [0xff, 0x00]], chunks);
            Assert.Equal(("Function.Broken", "details"), (error.ErrorCode, error.ErrorDetails));
            Assert.Equal("a line\n", replay.InvokeComplete?.DecodeLogResult());
            Assert.Contains("grüße", await File.ReadAllTextAsync(path, Token));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Replay_TruncatedStream_IsTruncated()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("live", (_, response, cancellationToken) =>
                response.WriteTextAsync("part", cancellationToken))
                .OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.EndOfBody),
            Token);
        using var client = server.CreateClient();

        RecordedStream recording;
        await using (var live = await client.InvokeWithResponseStreamAsync(new("live"), Token))
            recording = await RecordedStream.RecordAsync(live, Token);
        server.AddFunction("replay", recording, ReplayTiming.Immediate);
        await using var replay = await client.InvokeWithResponseStreamAsync(new("replay"), Token);
        var error = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(async () =>
        {
            await foreach (var chunk in replay.ReadChunksAsync(Token))
                Assert.Equal("part"u8.ToArray(), chunk.ToArray());
        });

        Assert.Equal(1, error.ChunksReceived);
    }

    [Fact]
    public async Task Replay_AsRecorded_WaitsByTheServerClock()
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
                    s.AddFunction("replay", recording, ReplayTiming.AsRecorded).WithTimeout(TimeSpan.FromDays(40));
                },
                Token);
            using var http = new SignedHttp(server);
            using var response = await http.InvokeAsync("replay");

            var body = response.Content.ReadAsByteArrayAsync(Token);
            Assert.Equal(0, server.Requests[0].BytesSent);
            while (!body.IsCompleted)
            {
                clock.Advance(TimeSpan.FromSeconds(30));
                await Task.Delay(1, Token);   // lets the server set its next timer
            }

            Assert.Equal(["late"], Messages.GetChunks(await body));
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
    public async Task LoadAsync_NotARecording_ThrowsInvalidDataException(string content)
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
    public async Task LoadAsync_LogIsNotBase64_ReplaysItUnchanged()
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(path, ["{}", """{"complete":{"logResult":"!"}}"""], Token);
            await using var server = await LocalLambdaServer.StartAsync(_ => { }, Token);
            server.AddFunction("f", await RecordedStream.LoadAsync(path, Token), ReplayTiming.Immediate);
            using var client = server.CreateClient();

            var request = new InvokeWithResponseStreamRequest("f") { LogType = LogType.Tail };
            await using var response = await client.InvokeWithResponseStreamAsync(request, Token);
            await response.ReadAsStringAsync(cancellationToken: Token);

            Assert.Equal("!\n", response.InvokeComplete?.DecodeLogResult());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("a\n")]
    [InlineData("a\n\n\n")]
    public async Task Replay_Log_IsUnchanged(string log)
    {
        var path = Path.GetTempFileName();
        try
        {
            var complete = new JsonObject { ["logResult"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(log)) };
            var end = new JsonObject { ["complete"] = complete };
            await File.WriteAllLinesAsync(path, ["{}", end.ToJsonString()], Token);
            var recording = await RecordedStream.LoadAsync(path, Token);
            await using var server = await LocalLambdaServer.StartAsync(
                options => options.AddFunction("replay", recording, ReplayTiming.Immediate), Token);
            using var client = server.CreateClient();

            var request = new InvokeWithResponseStreamRequest("replay") { LogType = LogType.Tail };
            await using var replay = await client.InvokeWithResponseStreamAsync(request, Token);
            await replay.ReadAsStringAsync(cancellationToken: Token);

            Assert.Equal(log, replay.InvokeComplete?.DecodeLogResult());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \t")]
    public async Task Replay_ErrorDetailsWithoutErrorCode_FailsWithUnhandled(string errorCode)
    {
        var path = Path.GetTempFileName();
        try
        {
            var complete = new JsonObject { ["errorCode"] = errorCode, ["errorDetails"] = "out of memory" };
            var end = new JsonObject { ["complete"] = complete };
            await File.WriteAllLinesAsync(path, ["{}", end.ToJsonString()], Token);
            var recording = await RecordedStream.LoadAsync(path, Token);
            await using var server = await LocalLambdaServer.StartAsync(
                options => options.AddFunction("replay", recording, ReplayTiming.Immediate), Token);
            using var client = server.CreateClient();
            await using var replay = await client.InvokeWithResponseStreamAsync(new("replay"), Token);

            var error = await Assert.ThrowsAsync<FunctionErrorException>(() =>
                replay.ReadAsByteArrayAsync(cancellationToken: Token));

            Assert.Equal(("Unhandled", "out of memory"), (error.ErrorCode, error.ErrorDetails));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("text/plain; title=\u00FC")]
    [InlineData("text/plain\n")]
    public async Task Replay_ContentTypeThatCannotBeSent_ReplaysTheChunks(string contentType)
    {
        var path = Path.GetTempFileName();
        try
        {
            var metadata = new JsonObject { ["contentType"] = contentType }.ToJsonString();
            await File.WriteAllLinesAsync(path, [metadata, """{"text":"a"}""", """{"complete":{}}"""], Token);
            var recording = await RecordedStream.LoadAsync(path, Token);
            await using var server = await LocalLambdaServer.StartAsync(
                options => options.AddFunction("replay", recording, ReplayTiming.Immediate), Token);
            using var client = server.CreateClient();
            await using var replay = await client.InvokeWithResponseStreamAsync(new("replay"), Token);

            Assert.Equal("a", await replay.ReadAsStringAsync(cancellationToken: Token));
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
    [InlineData(2, "{}", """{"complete":{},"truncated":"it was"}""")]
    [InlineData(2, "{}", """{"contentType":"text/plain"}""", """{"complete":{}}""")]
    [InlineData(2, "{}", """{"afterMilliseconds":-1,"text":"a"}""", """{"complete":{}}""")]
    [InlineData(2, "{}", """{"complete":{"errorType":"Unhandled"}}""")]
    [InlineData(2, "{}", """{"Error":{"errorCode":"Unhandled"}}""", """{"complete":{}}""")]
    [InlineData(4, "{}", "", """{"complete":{"errorCode":"Unhandled"}}""", """{"complete":{}}""")]
    [InlineData(3, "{}", """{"truncated":"it was"}""", """{"text":"a"}""", """{"complete":{}}""")]
    public async Task LoadAsync_LineIsNotValidAtItsPosition_ThrowsWithLineNumber(int number, params string[] lines)
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
    public async Task LoadAsync_LineCannotBeDecoded_ThrowsWithLineNumber(string line)
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(path, ["{}", line, "{}"], Token);

            var exception = await Assert.ThrowsAsync<InvalidDataException>(() => RecordedStream.LoadAsync(path, Token));

            Assert.Contains("Line 2", exception.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
