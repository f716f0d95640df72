using LambdaStreaming;

using var client = new LambdaStreamingClient();
try
{
    await foreach (var text in client.InvokeTextAsync(args[0], """{"prompt":"Hello"}""")) Console.Write(text);
}
catch (FunctionErrorException exception)
{
    Console.Error.WriteLine($"\n{exception.ErrorCode}: {exception.FunctionErrorMessage}");
}
