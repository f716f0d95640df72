using Amazon.Lambda.RuntimeSupport;

await RuntimeClient.RunAsync(Chat.ReplyAsync);

internal static class Chat
{
    private const string Greeting = "version one";

    /// <summary>Writes the greeting word by word. The input "fail" ends the response with an exception.</summary>
    public static async IAsyncEnumerable<string> ReplyAsync(string input)
    {
        foreach (var word in Greeting.Split(' '))
        {
            yield return word + " ";
            await Task.Yield();
        }

        if (input.Contains("fail", StringComparison.Ordinal)) throw new InvalidOperationException("no more words");
        yield return Environment.CurrentDirectory;
    }
}
