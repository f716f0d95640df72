using System.Text.Json;
using StreamingFunction;

// A Lambda function that responds to {"prompt":"…"} word by word. samples/AspireHost starts it.
await LambdaRuntime.RunAsync(async (payload, write) =>
{
    using var input = JsonDocument.Parse(payload);
    var prompt = input.RootElement.GetProperty("prompt").GetString();
    Console.WriteLine($"The prompt has {prompt?.Length} characters.");
    var text = $"You wrote: {prompt} This function is a separate process, which the AppHost started for your message.";
    foreach (var word in text.Split(' '))
    {
        await write($"{word} ");
        await Task.Delay(80);
    }
});
