using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace StreamingFunction;

/// <summary>A small client of the Lambda Runtime API that streams responses.</summary>
/// <remarks>
/// Functions in production use Amazon.Lambda.RuntimeSupport 2.1 or later. This sample uses no package, to show what is
/// sent. HttpClient cannot send the trailers that report a failure after the first byte, so this code uses a socket.
/// Source: AWS Lambda developer guide, "Building a custom runtime", "Response streaming".
/// </remarks>
internal static class LambdaRuntime
{
    private const string Invocations = "/2018-06-01/runtime/invocation/";
    private const string ErrorType = "Lambda-Runtime-Function-Error-Type";
    private const string ErrorBody = "Lambda-Runtime-Function-Error-Body";

    /// <summary>Handles one invocation after another, for as long as the process lives.</summary>
    /// <param name="handler">Receives the payload, and a method that sends a part of the response at once.</param>
    public static async Task RunAsync(Func<byte[], Func<string, Task>, Task> handler)
    {
        var api = Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API")
            ?? throw new InvalidOperationException("This program runs in AWS Lambda, or in lambda-stream serve.");
        // Waiting for the next invocation has no time limit.
        using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        while (true)
        {
            using var next = await client.GetAsync(new Uri($"http://{api}{Invocations}next"));
            next.EnsureSuccessStatusCode();
            var requestId = next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single();
            var payload = await next.Content.ReadAsByteArrayAsync();
            await RespondAsync(api, requestId, write => handler(payload, write));
        }
    }

    private static async Task RespondAsync(string api, string requestId, Func<Func<string, Task>, Task> handle)
    {
        var address = api.Split(':');
        using var socket = new TcpClient { NoDelay = true };
        await socket.ConnectAsync(address[0], int.Parse(address[1]));
        var connection = socket.GetStream();
        await SendAsync(
            connection,
            $"POST {Invocations}{requestId}/response HTTP/1.1\r\nHost: {api}\r\n"
            + "Content-Type: application/octet-stream\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"
            + $"Transfer-Encoding: chunked\r\nTrailer: {ErrorType}, {ErrorBody}\r\nConnection: close\r\n\r\n");
        var trailers = "";
        try
        {
            await handle(text => text.Length == 0 ? Task.CompletedTask : SendChunkAsync(connection, text));
        }
        catch (Exception exception)
        {
            trailers = GetTrailers(exception);
        }

        await SendAsync(connection, $"0\r\n{trailers}\r\n");
        // Wait for Lambda's reply. Lambda closes the connection after it.
        await connection.CopyToAsync(Stream.Null);
    }

    private static Task SendChunkAsync(NetworkStream connection, string text) =>
        SendAsync(connection, $"{Encoding.UTF8.GetByteCount(text):X}\r\n{text}\r\n");

    private static Task SendAsync(NetworkStream connection, string text) =>
        connection.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask();

    private static string GetTrailers(Exception exception)
    {
        var error = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["errorType"] = exception.GetType().Name,
            ["errorMessage"] = exception.Message,
        };
        var body = Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(error));
        return $"{ErrorType}: {exception.GetType().Name}\r\n{ErrorBody}: {body}\r\n";
    }
}
