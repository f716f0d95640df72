using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Amazon.Lambda.RuntimeSupport;

/// <summary>Speaks the Runtime API with the requests of Amazon.Lambda.RuntimeSupport 2.1.</summary>
public static class RuntimeClient
{
    private const string Root = "/2018-06-01/runtime/invocation/";

    public static async Task RunAsync(Func<string, IAsyncEnumerable<string>> handler)
    {
        var address = Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API")!;
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        while (true)
        {
            using var next = await http.GetAsync($"http://{address}{Root}next");
            var id = next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single();
            await RespondAsync(address, id, handler(await next.Content.ReadAsStringAsync()));
        }
    }

    /// <summary>Writes one response over a separate TCP connection, one HTTP chunk for each string.</summary>
    private static async Task RespondAsync(string address, string id, IAsyncEnumerable<string> response)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(address.Split(':')[0], int.Parse(address.Split(':')[1]));
        var stream = connection.GetStream();
        await WriteAsync(
            $"POST {Root}{id}/response HTTP/1.1\r\nHost: {address}\r\nUser-Agent: aws-lambda-dotnet/2.1\r\n"
            + "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
            + "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
            + "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n");
        try
        {
            await foreach (var chunk in response)
                await WriteAsync($"{Encoding.UTF8.GetByteCount(chunk):X}\r\n{chunk}\r\n");
            await WriteAsync("0\r\n\r\n");
        }
        catch (Exception exception)
        {
            var error = JsonSerializer.Serialize(
                new { errorType = exception.GetType().Name, errorMessage = exception.Message });
            await WriteAsync(
                $"0\r\nLambda-Runtime-Function-Error-Type: {exception.GetType().Name}\r\n"
                + $"Lambda-Runtime-Function-Error-Body: {ToBase64(error)}\r\n\r\n");
        }

        // The reply has a Content-Length. Closing the connection early would abort the request.
        _ = await stream.ReadAsync(new byte[1024]);

        static string ToBase64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

        ValueTask WriteAsync(string text) => stream.WriteAsync(Encoding.UTF8.GetBytes(text));
    }
}
