using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests;

/// <summary>Functions on a local server that many tests call.</summary>
public static class LocalService
{
    /// <summary>How long the server may take to see that a client has left.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(500);

    /// <summary>The end of any wait that would otherwise be a hang.</summary>
    public static readonly TimeSpan TooLong = TimeSpan.FromSeconds(20);

    /// <summary>Writes "one" and "two", then stays silent for as long as the client is there.</summary>
    public static async Task TwoThenStall(FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
    {
        await response.WriteTextAsync("one", cancellationToken);
        await response.WriteTextAsync("two", cancellationToken);
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
    }

    /// <summary>Writes chunks for as long as the client is there.</summary>
    public static async Task Endless(FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
    {
        var chunk = new byte[4096];
        while (true) await response.WriteAsync(chunk, cancellationToken);
    }

    /// <summary>Writes "one", "two", "three" and ends.</summary>
    public static async Task Three(FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
    {
        foreach (var word in (string[])["one", "two", "three"]) await response.WriteTextAsync(word, cancellationToken);
    }

    public static Task<InvokeWithResponseStreamResponse> InvokeAsync(this LambdaStreamingClient client, string functionName, CancellationToken? cancellationToken = null) =>
        client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest(functionName), cancellationToken ?? TestContext.Current.CancellationToken);
}
