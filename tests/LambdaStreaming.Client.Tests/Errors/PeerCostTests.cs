using System.Text;
using LambdaStreaming.Tests.EventStream;
using LambdaStreaming.Tests.Security;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Tests.Errors;

/// <summary>Limits on the memory and time that a peer can cost the client.</summary>
[Collection(NonParallelCollection.Name)]
public sealed class PeerCostTests
{
    private const int Mebibyte = 1024 * 1024;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> StackTraces => ["as text", "as JSON"];

    [Theory, MemberData(nameof(StackTraces))]
    public async Task FunctionErrorException_StackTraceOfMebibytes_CostsLessThan60MiB(string form)
    {
        var details = "{\"stackTrace\":[1" + string.Concat(Enumerable.Repeat(",1", 2 * Mebibyte)) + "]}";
        var value = form == "as text" ? $"\"{details.Replace("\"", "\\\"", StringComparison.Ordinal)}\"" : details;
        var wire = Messages.Complete($$"""{"ErrorCode":"Unhandled","ErrorDetails":{{value}}}""");
        await ReadFailureAsync(Complete("Unhandled", "{}"));   // compiles the code
        var before = GC.GetTotalAllocatedBytes(precise: true);

        var exception = await ReadFailureAsync(wire);

        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 60 * Mebibyte);
        Assert.Equal(256 * 1024, exception.ErrorDetails!.Length);
        Assert.Equal(details[..1000], exception.ErrorDetails[..1000]);
        Assert.Empty(exception.FunctionStackTrace);
    }

    [Fact]
    public async Task FunctionErrorException_ErrorDetailsAtTheLimit_AreParsed()
    {
        var start = "{\"errorType\":\"RangeError\",\"errorMessage\":\"";
        var details = start + new string('m', (256 * 1024) - start.Length - 2) + "\"}";

        var exception = await ReadFailureAsync(Complete("Unhandled", details));

        Assert.Equal("RangeError", exception.FunctionErrorType);
        Assert.Equal(details, exception.ErrorDetails);
    }

    [Fact]
    public async Task FunctionStackTrace_ManyLongLines_AreLimited()
    {
        var line = new string('l', 2_000);
        var elements = string.Join(',', Enumerable.Repeat("\"x\"", 1_000));
        var lines = string.Join("\\n", Enumerable.Repeat(line, 100).Concat(Enumerable.Repeat("x", 1_000)));

        var few = await ReadFailureAsync(Complete("Unhandled", $$"""{"stackTrace":["{{line}}","short"]}"""));
        var many = await ReadFailureAsync(Complete("Unhandled", $$"""{"stackTrace":[{{elements}}]}"""));
        var text = await ReadFailureAsync(Complete("Unhandled", $$"""{"stackTrace":"{{lines}}"}"""));

        Assert.Equal([1_024, 5], few.FunctionStackTrace.Select(shown => shown.Length));
        Assert.Equal(line[..1_023] + "…", few.FunctionStackTrace[0]);
        Assert.Equal(256, many.FunctionStackTrace.Count);
        Assert.Equal(256, text.FunctionStackTrace.Count);
        Assert.Equal(1_024, text.FunctionStackTrace.Max(shown => shown.Length));
    }

    [Theory]
    [InlineData(256, 256, false)]
    [InlineData(257, 256, true)]
    [InlineData(3 * Mebibyte, 256, true)]
    public async Task ErrorCode_LongerThanTheLimit_IsTruncated(int length, int kept, bool isTruncated)
    {
        var exception = await ReadFailureAsync(Complete(new string('c', length), null));

        Assert.Equal(kept, exception.ErrorCode!.Length);
        Assert.Equal(kept, exception.InvokeComplete.ErrorCode!.Length);
        Assert.Equal(isTruncated, exception.ErrorCode[^1] == '…');
    }

    // An escape sequence has six bytes for one character, and a character of four bytes is two chars. Truncation must
    // not split either of them.
    [Theory]
    [InlineData("\\u0061")]
    [InlineData("\U0001F680")]
    [InlineData("\\ud83d\\ude80")]
    [InlineData("é")]
    [InlineData("\\\\")]
    public async Task ErrorCode_LimitFallsIntoACharacter_IsTruncatedBeforeIt(string character)
    {
        var wire = Messages.Complete($$"""{"ErrorCode":"x{{string.Concat(Enumerable.Repeat(character, 1_000))}}"}""");

        var exception = await ReadFailureAsync(wire);

        Assert.InRange(exception.ErrorCode!.Length, 255, 256);
        Assert.EndsWith("…", exception.ErrorCode, StringComparison.Ordinal);
        Assert.DoesNotContain('\ufffd', exception.ErrorCode);
    }

    [Fact]
    public async Task ErrorCode_OfAServiceError_IsTruncated()
    {
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            Stream.Null,
            System.Net.HttpStatusCode.InternalServerError,
            ("x-amzn-ErrorType", new string('c', 10_000))));

        var call = client.InvokeWithResponseStreamAsync(new("f"), Ct);
        var exception = await Assert.ThrowsAsync<LambdaServiceException>(() => call);

        Assert.Equal(256, exception.ErrorCode!.Length);
    }

    [Fact]
    public async Task FunctionErrorException_ErrorCodeRepeatsThePayload_TakesLittleTime()
    {
        var payload = new string('p', 60_000);
        var request = InvokeWithResponseStreamRequest.FromJson("f", payload);
        var code = string.Concat(Enumerable.Repeat(payload, 50));
        using var client = StubbedClient.Streaming(new MemoryStream(Complete(code, null)));
        await using var response = await client.InvokeWithResponseStreamAsync(request, Ct);
        var started = TimeProvider.System.GetTimestamp();

        var exception = await Assert.ThrowsAsync<FunctionErrorException>(
            () => response.ReadAsByteArrayAsync(cancellationToken: Ct));

        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.DoesNotContain("ppp", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsByteArrayAsync_ManyUnknownEventsWithDebugLogging_CostDoesNotDependOnThePayload()
    {
        const int Events = 1_000;
        var unknown = Messages.Create([(":message-type", "event"), (":event-type", new string('t', 10_000))], []);
        byte[] wire = [.. Enumerable.Repeat(unknown, Events).SelectMany(message => message), .. Messages.Complete()];
        var options = StubbedClient.Options();
        using var logs = new CollectedLogs { Level = LogLevel.Debug };
        options.LoggerFactory = logs;
        using var client = StubbedClient.Streaming(new MemoryStream(wire), options);
        var request = InvokeWithResponseStreamRequest.FromJson("f", new string('p', 60_000));
        await using var response = await client.InvokeWithResponseStreamAsync(request, Ct);
        var before = GC.GetTotalAllocatedBytes(precise: true);

        await response.ReadAsByteArrayAsync(cancellationToken: Ct);

        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, Events * 10_000L);
        Assert.Equal(Events, logs.Lines.Count(line => line.Contains("unknown type", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Response_WhileItIsRead_DoesNotReferenceThePayload()
    {
        var (response, payload) = await InvokeAsync();

        // Leaves the stack frames that reference the payload.
        await Task.Yield();
        Assert.True(GarbageCollector.Collects(payload));
        await response.DisposeAsync();

        static async Task<(InvokeWithResponseStreamResponse Response, WeakReference Payload)> InvokeAsync()
        {
            using var client = StubbedClient.Sending(async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return StubbedClient.CreateResponse(new MemoryStream(Messages.Chunk("x")));
            });
            var bytes = new byte[1_000_000];
            var response = await client.InvokeWithResponseStreamAsync(new("f") { Payload = bytes }, Ct);
            return (response, new WeakReference(bytes));
        }
    }

    private static byte[] Complete(string code, string? details)
    {
        var json = new StringBuilder("{\"ErrorCode\":").Append(Serialize(code));
        if (details is not null) json.Append(",\"ErrorDetails\":").Append(Serialize(details));
        return Messages.Complete(json.Append('}').ToString());
    }

    private static string Serialize(string text) =>
        System.Text.Json.JsonSerializer.Serialize(text, Tests.Payload.TestJson.Default.String);

    private static async Task<FunctionErrorException> ReadFailureAsync(byte[] wire)
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        return await Assert.ThrowsAsync<FunctionErrorException>(
            () => response.ReadAsByteArrayAsync(cancellationToken: Ct));
    }
}
