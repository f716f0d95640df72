using System.Text.Json;
using StreamingFunction;

await LambdaRuntime.RunAsync(async (payload, write) =>
{
    var input = JsonSerializer.Deserialize<Input>(payload, JsonSerializerOptions.Web) ?? new Input();
    foreach (var word in $"You wrote: {input.Prompt}".Split(' '))
    {
        await write($"{word} ");
        await Task.Delay(100);
    }

    if (input.Fail) throw new InvalidOperationException("The event asked for this failure.");
});
