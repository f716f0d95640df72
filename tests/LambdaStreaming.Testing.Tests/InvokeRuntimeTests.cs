using System.Text;

namespace LambdaStreaming.Testing.Tests;

/// <summary>The operation Invoke with functions in runtime processes.</summary>
public class InvokeRuntimeTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Response_Buffered_IsReturnedUnchanged()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);

        var call = InvokeAsync(server);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.RespondAsync(await process.NextIdAsync(), "{\"result\":42}");

        Assert.Equal((200, "{\"result\":42}", null), await call.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Error_Json_IsReturnedUnchangedWithFunctionError()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        const string Error = """{"errorMessage":"it broke","errorType":"TypeError","trace":["at f"]}""";

        var call = InvokeAsync(server);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.PostAsync($"invocation/{await process.NextIdAsync()}/error", Error);

        Assert.Equal((200, Error, "Unhandled"), await call.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Response_StreamingWithErrorInTrailers_ReturnsTheError()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        const string Error = """{"errorType":"RangeError","errorMessage":"boom"}""";

        var call = InvokeAsync(server);
        var process = await runtime.NextProcessAsync();
        using var connection = await process.StartStreamingAsync(
            await process.NextIdAsync(),
            "part",
            "Lambda-Runtime-Function-Error-Type: RangeError\r\n"
            + $"Lambda-Runtime-Function-Error-Body: {Convert.ToBase64String(Encoding.UTF8.GetBytes(Error))}\r\n");

        Assert.Equal((200, Error, "Unhandled"), await call.WaitAsync(Soon, Token));
        Assert.Equal("RangeError", server.Requests[0].FunctionErrorCode);
    }

    [Fact]
    public async Task Process_IsKilled_ReturnsRuntimeExitError()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);

        var call = InvokeAsync(server);
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        process.Kill();

        var message = $"RequestId: {id} Error: Runtime exited with error: signal 9";
        var body = $$"""{"errorType":"Runtime.ExitError","errorMessage":"{{message}}"}""";
        Assert.Equal((200, body, "Unhandled"), await call.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Event_ProcessFails_RecordsTheError()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);

        var result = await InvokeAsync(server, "Event");
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        var request = server.Requests[0];
        Assert.False(request.Completed.IsCompleted);
        using var accepted = await process.PostAsync($"invocation/{id}/error", "it broke");
        await request.Completed.WaitAsync(Soon, Token);

        Assert.Equal((202, "", null), result);
        Assert.Equal(id, request.RequestId);
        Assert.Equal(("Unhandled", "it broke"), (request.FunctionErrorCode, request.FunctionErrorDetails));
    }

    [Fact]
    public async Task TruncateAfterBytes_ProcessResponds_SendsThatManyBytes()
    {
        using var runtime = CreateRuntime();
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("fake", runtime.Options)
                .OnEveryCall().TruncateAfterBytes(3, TruncationMode.EndOfBody),
            Token);

        var call = InvokeAsync(server);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.RespondAsync(await process.NextIdAsync(), "12345");

        Assert.Equal((200, "123", null), await call.WaitAsync(Soon, Token));
    }

    private static FakeRuntime CreateRuntime()
    {
        FakeRuntime.SkipIfNotSupported();
        return new();
    }

    private static Task<LocalLambdaServer> StartAsync(FakeRuntime runtime) =>
        LocalLambdaServer.StartAsync(s => s.AddFunction("fake", runtime.Options), Token);

    private static async Task<(int Status, string Body, string? FunctionError)> InvokeAsync(
        LocalLambdaServer server, string? invocationType = null)
    {
        using var http = new SignedHttp(server);
        using var response = await http.InvokeBufferedAsync("fake", "{}"u8.ToArray(), invocationType);
        var error = response.Headers.TryGetValues("X-Amz-Function-Error", out var values) ? values.Single() : null;
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Token), error);
    }
}
