using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests;

/// <summary>Functions for the local server and time limits that many tests use.</summary>
public static class LocalService
{
    /// <summary>Time after which a wait is considered to hang.</summary>
    public static readonly TimeSpan TooLong = TimeSpan.FromSeconds(20);

    /// <summary>Writes "one" and "two", then stays idle until the client disconnects.</summary>
    public static async Task TwoThenStall(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        await response.WriteTextAsync("one", cancellationToken);
        await response.WriteTextAsync("two", cancellationToken);
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
    }

    /// <summary>Writes chunks until the client disconnects.</summary>
    public static async Task Endless(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        var chunk = new byte[4096];
        while (true) await response.WriteAsync(chunk, cancellationToken);
    }

    /// <summary>Writes "one", "two" and "three", then ends.</summary>
    public static async Task Three(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        foreach (var word in (string[])["one", "two", "three"]) await response.WriteTextAsync(word, cancellationToken);
    }

    public static Task<InvokeWithResponseStreamResponse> InvokeAsync(
        this LambdaStreamingClient client,
        string functionName,
        CancellationToken? cancellationToken = null) =>
        client.InvokeWithResponseStreamAsync(
            new InvokeWithResponseStreamRequest(functionName),
            cancellationToken ?? TestContext.Current.CancellationToken);
}
