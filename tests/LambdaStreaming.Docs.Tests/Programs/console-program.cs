using LambdaStreaming;

using var client = new LambdaStreamingClient();
using var cancellation = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;     // ends the loop below instead of the process
    cancellation.Cancel();
};

try
{
    var texts = client.InvokeTextAsync(
        "my-function", """{"prompt":"Tell me a story"}""", cancellationToken: cancellation.Token);
    await foreach (var text in texts) Console.Write(text);
    return 0;
}
catch (InvocationCanceledException exception)
{
    Console.Error.WriteLine(exception.FunctionMayHaveRun
        ? "Stopped. The function might have run, and runs to its end."
        : "Stopped before the function ran.");
    return 130;
}
catch (FunctionErrorException exception)
{
    // Text of the function: remove control characters before you print text that you do not trust.
    Console.Error.WriteLine($"The function failed: {exception.FunctionErrorMessage ?? exception.ErrorDetails}");
    return 1;
}
catch (LambdaStreamingException exception)
{
    // The texts that were printed are not the complete response.
    Console.Error.WriteLine(exception.Message);
    return 1;
}
