using System.Text.Json;
using LambdaStreaming.Testing;

namespace ChatWeb;

/// <summary>A function that answers word by word, as a language model does, and breaks when asked to.</summary>
internal static class Storyteller
{
    private const string Tale = """
        A function once had a long answer and a caller with little patience. “Shall I wait until all of it is written?” it asked.

        “Send it as it comes,” said the caller, “and tell me when you are done. If you fall silent before that, I will know it was not the end.”

        So the function sent word after word. The caller read the first of them before the last was thought of, and smiled at a turn in the middle, and was not sorry that it took a while. And the last thing that the function sent was that there was no more.
        """;

    private const string Poem = """
        The rain begins with one drop on the sill,
        a small, exact, unhurried word.
        Another. Then the roof cannot keep still,
        and every gutter says what it has heard.

        You need not wait until the storm is through
        to know that it has something to tell you.
        """;

    private const string Craft = """
        Your message went by POST to this page's own server, which invoked a Lambda function with InvokeWithResponseStream. Each word you see is a chunk that the function wrote; the server passed it on the moment it came, and your browser showed it.

        Press Esc and the chain lets go from your end: browser, server, and the connection to Lambda. If something breaks at the other end instead, you are told, because an answer that was cut must never look like one that was finished. Try /cut to see it.
        """;

    public static async Task RespondAsync(FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
    {
        var prompt = PromptOf(invocation).Trim();
        if (prompt == "/fail")
        {
            response.Fail("Unhandled", "This function fails when it is asked to.");
            return;
        }

        // A moment to think, then the words at an uneven, human pace; the same each time.
        var pace = new Random(42);
        await Task.Delay(TimeSpan.FromMilliseconds(250), cancellationToken);
        var words = TextFor(prompt).ReplaceLineEndings("\n").Split(' ');
        for (var i = 0; i < words.Length; i++)
        {
            if (prompt == "/cut" && i == 24) await response.AbortAsync(TruncationMode.Reset, cancellationToken);
            await response.WriteTextAsync(i == words.Length - 1 ? words[i] : words[i] + " ", cancellationToken);
            await Task.Delay(TimeSpan.FromMilliseconds(pace.Next(25, words[i].EndsWith('.') ? 180 : 80)), cancellationToken);
        }
    }

    private static string TextFor(string prompt)
    {
        if (Mentions("rain") || Mentions("poem")) return Poem;
        return Mentions("how") || Mentions("work") ? Craft : Tale;

        bool Mentions(string word) => prompt.Contains(word, StringComparison.OrdinalIgnoreCase);
    }

    private static string PromptOf(FunctionInvocation invocation)
    {
        using var payload = JsonDocument.Parse(invocation.Payload);
        return payload.RootElement.ValueKind == JsonValueKind.Object && payload.RootElement.TryGetProperty("prompt", out var prompt) ? prompt.ToString() : "";
    }
}
