using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Diagnostics;

/// <summary>A logger of the app that throws. The outcome of a call does not depend on it.</summary>
public sealed class ContainedLoggerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // The body has each event for which the reader writes a log message: an unknown event, bytes after InvokeComplete,
    // and a failure after that.
    private static byte[] CreateBody(string complete) =>
    [
        .. Messages.Chunk("a"),
        .. Messages.Create([(":message-type", "event"), (":event-type", "Future")], []),
        .. Messages.Complete(complete),
        1,
    ];

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task ReadAsStringAsync_LoggerThrows_HasItsOutcome(bool inIsEnabled, bool functionFails)
    {
        var checks = 0;
        var options = StubbedClient.Options();
        options.LoggerFactory = new CallbackLogger
        {
            CheckingLevel = () =>
            {
                checks++;
                if (inIsEnabled) throw new TimeZoneNotFoundException();
            },
            Logging = (_, _) => throw new TimeZoneNotFoundException(),
        };
        var wire = new MemoryStream(CreateBody(functionFails ? """{"ErrorCode":"Unhandled"}""" : "{}"));
        using var client = StubbedClient.Streaming(
            new FuncStream((buffer, token) => wire.Position < wire.Length || buffer.IsEmpty
                ? wire.ReadAsync(buffer, token)
                : throw new IOException("The connection broke.")),
            options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        if (functionFails) await Assert.ThrowsAsync<FunctionErrorException>(() => response.ReadAsStringAsync());
        else Assert.Equal("a", await response.ReadAsStringAsync());

        Assert.NotEqual(0, checks);
    }
}
