using LambdaStreaming.Testing;

namespace Quickstart;

/// <summary>A function that thinks a little before each word, as a language model does.</summary>
internal static class Tale
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(60);

    private const string Text = """
        A function once had a long answer and a caller with little patience. "Shall I wait until all of it is written?" it asked.
        "Send it as it comes," said the caller, "and tell me when you are done. If you fall silent before that, I will know it was not the end."
        So the function sent word after word, and the last thing it sent was that there was no more.
        """;

    public static async Task TellAsync(FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
    {
        response.Log($"START RequestId: {invocation.RequestId}");
        var words = Text.ReplaceLineEndings(" \n").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var word in words)
        {
            await Task.Delay(Pause, cancellationToken);
            await response.WriteTextAsync(word + " ", cancellationToken);
        }

        response.Log($"told {words.Length} words");
        response.Log($"END RequestId: {invocation.RequestId}");
    }
}
