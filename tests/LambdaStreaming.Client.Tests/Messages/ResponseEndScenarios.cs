using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Responses that end early, stall, or report an error.</summary>
internal static class ResponseEndScenarios
{
    public static MessageArea Area { get; } = new(
        "Ends of a response",
        [.. Truncated(), .. FunctionErrors(), .. ServiceErrors()]);

    private static IEnumerable<MessageScenario> Truncated() =>
    [
        new("Empty response", () => Provocations.ReadAsync()),
        new("Response ends between messages", () => Provocations.ReadAsync(
            [.. Messages.Chunk("abc"), .. Messages.Chunk("de")])),
        new("Response ends inside a message", () => Provocations.ReadAsync(
            [.. Messages.Chunk("abc"), .. Messages.Complete()[..14]])),
        new("Connection breaks", () => Provocations.ReadAsync(
            StubbedClient.Streaming(new FragmentedStream(Messages.Chunk("abc"), () => 1000, breaksOff: true)))),
        new("Content cannot be opened", () => Provocations.ReadAsync(StubbedClient.Create(_ => new HttpResponseMessage
        {
            Content = new OpenedContent(() => throw new InvalidDataException("It is closed.")),
        }))),
        new("Idle timeout", IdleTimeoutAsync),
    ];

    private static IEnumerable<MessageScenario> FunctionErrors() =>
    [
        FunctionError("Function fails", """{"ErrorCode":"Unhandled"}"""),
        FunctionError(
            "Function fails with the type of its error",
            """{"ErrorCode":"Unhandled","ErrorDetails":"{\"errorType\":\"RangeError\"}"}"""),
        FunctionError("Function fails without an error code", """{"ErrorDetails":"out of memory"}"""),
        FunctionError(
            "Function fails, with IncludeFunctionErrorDetails",
            """{"ErrorCode":"Unhandled","ErrorDetails":"{\"errorType\":\"RangeError\",\"errorMessage\":\"None.\"}"}""",
            includeDetails: true),
        .. new[]
        {
            FunctionErrorCodes.SandboxTimedout,
            FunctionErrorCodes.RuntimeTruncatedResponse,
            FunctionErrorCodes.FunctionResponseSizeTooLarge,
            FunctionErrorCodes.RuntimeInvalidEntrypoint,
        }.Select(code => FunctionError($"Function fails with {code}", $$"""{"ErrorCode":"{{code}}"}""")),
    ];

    private static IEnumerable<MessageScenario> ServiceErrors() =>
    [
        new("Service error in the stream", () => Provocations.ReadAsync(
            Messages.Exception("ServiceException", """{"message":"It broke"}"""))),
        new("Service error in the stream, inner exception", async () =>
        {
            var body = Messages.Exception("ServiceException", """{"message":"It broke"}""");
            var reading = Provocations.ReadAsync(body);
            throw (await Assert.ThrowsAsync<ResponseStreamErrorException>(() => reading)).InnerException!;
        }),
        new("Service error in the stream that might quote the payload", () => Provocations.ReadAsync(
            Messages.Exception("InvalidRequestContentException", """{"message":"Unexpected token near '4111'"}"""))),
        new("Service error in the stream without a name", () => Provocations.ReadAsync(
            Messages.Create([(":message-type", "exception")], "{}"u8))),
    ];

    private static MessageScenario FunctionError(string name, string complete, bool includeDetails = false) =>
        new(name, () =>
        {
            byte[] body = [.. Messages.Chunk("abc"), .. Messages.Complete(complete)];
            var options = StubbedClient.Options();
            options.IncludeFunctionErrorDetails = includeDetails;
            return Provocations.ReadAsync(StubbedClient.Streaming(new MemoryStream(body), options));
        });

    private static async Task IdleTimeoutAsync()
    {
        var clock = new FakeTimeProvider();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        options.IdleTimeout = TimeSpan.FromSeconds(90);
        var firstRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = Provocations.ReadAsync(StubbedClient.Streaming(FuncStream.Idle(firstRead), options));

        // Do not advance the clock earlier: the timeout for the response headers uses it, too.
        await firstRead.Task;
        while (!reading.IsCompleted)
        {
            clock.Advance(options.IdleTimeout);
            await Task.Yield();
        }

        await reading;
    }
}
