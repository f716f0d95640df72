using System.Text.Json;
using LambdaStreaming.Testing;

namespace ChatWeb;

/// <summary>A function that responds word by word, as a language model does, and can fail on request.</summary>
internal static class Storyteller
{
    private const int TruncateAtWord = 24;

    private const string Story = """
        A function once needed a full minute to write a response. Its first client waited for the last word before it showed the first one, and its users closed the page.

        The second client read the response as a stream. It showed each word as it arrived, and its users read along.

        One day the connection failed in the middle of a sentence. The client did not show that text as complete, because the InvokeComplete event was missing. It reported an incomplete response, and the user asked again.
        """;

    private const string Poem = """
        The rain begins with one drop on the sill,
        a small, exact, unhurried word.
        Another. Then the roof cannot keep still,
        and every gutter says what it has heard.

        You need not wait until the storm is through
        to know that it has something to tell you.
        """;

    private const string HowItWorks = """
        Your browser sent the message to this page's server, which invoked a Lambda function with InvokeWithResponseStream. Each word is a chunk that the function wrote. The server forwarded it as soon as it arrived, and your browser showed it.

        Press Esc to stop. Your browser closes its connection, and the server then closes its connection to Lambda. If a response fails, the page shows that it is incomplete. Send /truncate to see this.
        """;

    private const string Code = """"
        This C# code shows a response while the function is still writing it:

        ```csharp
        var prompt = """{"prompt":"Tell me a story"}""";
        await foreach (var text in client.InvokeTextAsync("storyteller", prompt))
        {
            Console.Write(text);
        }
        ```

        The loop ends normally only if the response is complete. Otherwise it throws an exception.
        """";

    public static async Task RespondAsync(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        var prompt = GetPrompt(invocation).Trim();
        if (prompt == "/fail")
        {
            response.Fail("Unhandled", "This function fails on request.");
            return;
        }

        // A fixed seed makes the delays irregular but the same in each run.
        var random = new Random(42);
        await Task.Delay(TimeSpan.FromMilliseconds(250), cancellationToken);
        var words = SelectText(prompt).ReplaceLineEndings("\n").Split(' ');
        for (var i = 0; i < words.Length; i++)
        {
            if (prompt == "/truncate" && i == TruncateAtWord)
            {
                await response.AbortAsync(TruncationMode.Reset, cancellationToken);
            }

            var separator = i == words.Length - 1 ? "" : " ";
            await response.WriteTextAsync(words[i] + separator, cancellationToken);
            if (words[i] == "") continue;   // indentation
            var delay = random.Next(25, words[i].EndsWith('.') ? 180 : 80);
            await Task.Delay(TimeSpan.FromMilliseconds(delay), cancellationToken);
        }
    }

    private static string SelectText(string prompt)
    {
        if (Mentions("code")) return Code;
        if (Mentions("rain") || Mentions("poem")) return Poem;
        return Mentions("how") || Mentions("work") ? HowItWorks : Story;

        bool Mentions(string word) => prompt.Contains(word, StringComparison.OrdinalIgnoreCase);
    }

    private static string GetPrompt(FunctionInvocation invocation)
    {
        using var payload = JsonDocument.Parse(invocation.Payload);
        var root = payload.RootElement;
        return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("prompt", out var prompt)
            ? prompt.ToString()
            : "";
    }
}
