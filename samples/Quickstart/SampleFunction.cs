using LambdaStreaming.Testing;

namespace Quickstart;

/// <summary>A function that pauses before each word, as a language model does.</summary>
internal static class SampleFunction
{
    public const string Name = "story";

    private const string Text = """
        A function once needed a full minute to write a response. Its first client waited for the last word before it showed the first one.
        The second client read the response as a stream and showed each word as it arrived.
        When the connection failed in the middle of a sentence, it reported an incomplete response and asked again.
        """;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(60);

    public static async Task RespondAsync(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        response.Log($"START RequestId: {invocation.RequestId}");
        var words = Text.ReplaceLineEndings(" \n").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var word in words)
        {
            await Task.Delay(Pause, cancellationToken);
            await response.WriteTextAsync(word + " ", cancellationToken);
        }

        response.Log($"wrote {words.Length} words");
        response.Log($"END RequestId: {invocation.RequestId}");
    }
}
