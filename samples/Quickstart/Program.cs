using System.Diagnostics;
using System.Globalization;
using Amazon.Runtime;
using LambdaStreaming;
using LambdaStreaming.Testing;
using Quickstart;

// Without arguments, the program invokes a function on a local server. The function writes a text word by word.
// With --function, it invokes a real function with your own credentials.
if (!Arguments.TryParse(args, out var arguments, out var problem))
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine(Arguments.Usage);
    return problem is null ? 0 : 2;
}

using var cancellation = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    key.Cancel = true;
    cancellation.Cancel();
};

await using var server = arguments.FunctionName is null ? await StartServerAsync(cancellation.Token) : null;
var request = new InvokeWithResponseStreamRequest(arguments.FunctionName ?? SampleFunction.Name)
{
    Payload = arguments.Payload,
    LogType = LogType.Tail,
};

try
{
    using var client = server?.CreateClient() ?? new LambdaStreamingClient(arguments.ToOptions());
    Console.WriteLine(server is null
        ? $"Invoking {request.FunctionName} ..."
        : $"Invoking {request.FunctionName} on a local server at {server.ServiceUrl} ...");
    var stopwatch = Stopwatch.StartNew();
    await using var response = await client.InvokeWithResponseStreamAsync(request, cancellation.Token);
    Console.WriteLine(
        $"Response headers after {Format(stopwatch.Elapsed)}: HTTP {(int)response.StatusCode}, "
        + $"version {response.ExecutedVersion}, request id {response.RequestId}");
    Console.WriteLine();

    TimeSpan? firstText = null;
    await foreach (var text in response.ReadTextAsync(cancellationToken: cancellation.Token))
    {
        firstText ??= stopwatch.Elapsed;
        Console.Write(text);
    }

    Console.WriteLine();
    Console.WriteLine();
    Console.WriteLine(
        $"First text after {(firstText is { } time ? Format(time) : "-")}, "
        + $"complete response after {Format(stopwatch.Elapsed)}.");
    if (response.InvokeComplete?.DecodeLogResult() is { } log)
    {
        Console.WriteLine($"The function's log:\n{log.TrimEnd()}");
    }

    return 0;
}
catch (OperationCanceledException)
{
    Console.WriteLine();
    Console.WriteLine("Cancelled. The connection is closed, but this does not stop the function.");
    return 130;
}
catch (Exception exception) when (exception is ArgumentException or AmazonClientException)
{
    Console.Error.WriteLine(exception.Message);
    return 2;
}
catch (LambdaStreamingException exception)
{
    Console.WriteLine();
    Console.Error.WriteLine($"{exception.GetType().Name}: {exception.Message}");
    return 1;
}

static Task<LocalLambdaServer> StartServerAsync(CancellationToken cancellationToken) => LocalLambdaServer.StartAsync(
    options => options.AddFunction(SampleFunction.Name, SampleFunction.RespondAsync),
    cancellationToken);

static string Format(TimeSpan elapsed) => elapsed.TotalMilliseconds.ToString("0 ms", CultureInfo.InvariantCulture);
