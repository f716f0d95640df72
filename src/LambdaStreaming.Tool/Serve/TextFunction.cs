using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>A function that streams a text word by word, for a first try without a program.</summary>
internal static class TextFunction
{
    public const string DemoText =
        "Hello from lambda-stream. This function runs inside the local server. "
        + "It writes one word at a time, and each word reaches you as soon as it is written. "
        + "Serve a function of your own with --function, for example chat=node:./chat.mjs#handler "
        + "or chat=dotnet:./src/Chat.\n";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(60);

    public static FunctionHandler Create(string text)
    {
        var words = text.Split(' ');
        return async (_, response, cancellationToken) =>
        {
            response.ContentType = "text/plain; charset=utf-8";
            for (var i = 0; i < words.Length; i++)
            {
                if (i > 0)
                    await Task.Delay(Pause, TimeProvider.System, cancellationToken);
                await response.WriteTextAsync(i < words.Length - 1 ? words[i] + " " : words[i], cancellationToken);
            }
        };
    }
}
