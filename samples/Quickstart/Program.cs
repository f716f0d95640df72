using System.Diagnostics;
using System.Globalization;
using System.Text;
using LambdaStreaming;
using LambdaStreaming.Testing;
using Quickstart;

// Without arguments: a function on this machine that writes a text word by word. With --function: a real one, with your own credentials.
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

await using var server = arguments.FunctionName is null ? await LocalLambdaServer.StartAsync(options => options.AddFunction("tale", Tale.TellAsync), cancellation.Token) : null;
using var client = server?.CreateClient() ?? new LambdaStreamingClient(arguments.ToOptions());
var request = new InvokeWithResponseStreamRequest(arguments.FunctionName ?? "tale") { Payload = arguments.Payload, LogType = LogType.Tail };

try
{
    Console.WriteLine(server is null ? $"Invoking {request.FunctionName} ..." : $"Invoking '{request.FunctionName}' on a local server at {server.ServiceUrl} ...");
    var started = Stopwatch.StartNew();
    await using var response = await client.InvokeWithResponseStreamAsync(request, cancellation.Token);
    Console.WriteLine($"Head after {Milliseconds(started)}: HTTP {(int)response.StatusCode}, version {response.ExecutedVersion}, request id {response.RequestId}");
    Console.WriteLine();

    var text = Encoding.UTF8.GetDecoder();
    var characters = new char[4096];
    long chunks = 0, bytes = 0;
    string? first = null;
    await foreach (var chunk in response.ReadChunksAsync(cancellation.Token))
    {
        first ??= Milliseconds(started);
        chunks++;
        bytes += chunk.Length;
        foreach (var segment in chunk.Payload)
        {
            for (var rest = segment.Span; !rest.IsEmpty;)
            {
                text.Convert(rest, characters, flush: false, out var used, out var written, out _);
                Console.Out.Write(characters.AsSpan(0, written));
                rest = rest[used..];
            }
        }

        Console.Out.Flush();
    }

    Console.WriteLine();
    Console.WriteLine();
    Console.WriteLine($"First chunk after {first ?? "-"}, whole answer after {Milliseconds(started)}: {chunks} chunks, {bytes} bytes, version {response.ExecutedVersion}.");
    if (response.InvokeComplete?.DecodeLogResult() is { } log) Console.WriteLine($"The function's log:\n{log.TrimEnd()}");
    return 0;
}
catch (OperationCanceledException)
{
    Console.WriteLine();
    Console.WriteLine("Cancelled. The connection is closed; the function is not stopped by that.");
    return 130;
}
catch (LambdaStreamingException exception)
{
    Console.WriteLine();
    Console.Error.WriteLine($"{exception.GetType().Name}: {exception.Message}");
    return 1;
}

static string Milliseconds(Stopwatch stopwatch) => stopwatch.Elapsed.TotalMilliseconds.ToString("0 ms", CultureInfo.InvariantCulture);
