namespace Greeter;

public sealed class Function
{
    public async IAsyncEnumerable<string> GreetAsync(string input)
    {
        yield return "hello ";
        await Task.Yield();
        yield return input;
    }
}
