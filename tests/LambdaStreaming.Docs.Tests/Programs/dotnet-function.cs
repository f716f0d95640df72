using System.Text;
using System.Text.Json;
using Amazon.Lambda.Core.ResponseStreaming;
using Amazon.Lambda.RuntimeSupport;

await LambdaBootstrapBuilder.Create(RespondAsync).Build().RunAsync();

// Responds to {"prompt":"…"} word by word.
static async Task RespondAsync(Stream payload)
{
    using var input = await JsonDocument.ParseAsync(payload);
    var prompt = input.RootElement.GetProperty("prompt").GetString();

    await using var response = LambdaResponseStreamFactory.CreateStream();
    foreach (var word in $"You wrote: {prompt}".Split(' '))
    {
        await response.WriteAsync(Encoding.UTF8.GetBytes(word + " "));     // sent at once
        await Task.Delay(100);
    }
}
