using System.Text;

namespace LambdaStreaming.Testing.Tests;

/// <summary>The responses of official runtimes, as they were observed on the wire.</summary>
public sealed class RuntimeWireTests
{
    private const string Path = "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\n";

    // aws-lambda-ric 4.0.2, with the headers of two trailers.
    private const string NodeHeaders = Path
        + "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
        + "Trailer: Lambda-Runtime-Function-Error-Type\r\n"
        + "Trailer: Lambda-Runtime-Function-Error-Body\r\n"
        + "Content-Type: application/octet-stream\r\n"
        + "Transfer-Encoding: chunked\r\nHost: {address}\r\nConnection: keep-alive\r\n\r\n";

    // Amazon.Lambda.RuntimeSupport 2.1: always with the content type of an HTTP response, even without a prelude.
    private const string DotNetHeaders = Path
        + "Host: {address}\r\nUser-Agent: aws-lambda-dotnet/2.1\r\n"
        + "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
        + "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
        + "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n";

    // aws-lambda-go: without a response mode.
    private const string GoHeaders = Path
        + "Host: {address}\r\nUser-Agent: aws-lambda-go/go1.22\r\nTransfer-Encoding: chunked\r\n"
        + "Content-Type: application/octet-stream\r\n"
        + "Trailer: Lambda-Runtime-Function-Error-Type,Lambda-Runtime-Function-Error-Body\r\n"
        + "Accept-Encoding: gzip\r\n\r\n";

    // http.client of Python's standard library.
    private const string PythonHeaders = Path
        + "Host: {address}\r\nAccept-Encoding: identity\r\n"
        + "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
        + "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n";

    // The bootstrap of AWS's tutorial: a buffered response of curl.
    private const string BashHeaders = Path
        + "Host: {address}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nContent-Length: 10\r\n"
        + "Content-Type: application/x-www-form-urlencoded\r\n\r\n";

    private const string Failure =
        "Lambda-Runtime-Function-Error-Type: RangeError\r\nLambda-Runtime-Function-Error-Body: e30=\r\n";

    private const string BlankFailure =
        "Lambda-Runtime-Function-Error-Type: \u00A0\r\nLambda-Runtime-Function-Error-Body: e30=\r\n";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(NodeHeaders, "5\r\nhello\r\n", "6\r\n world\r\n0\r\n\r\n", null)]
    [InlineData(NodeHeaders, "5\r\nhello\r\n", "6\r\n world\r\n0\r\n" + Failure + "\r\n", "RangeError")]
    [InlineData(DotNetHeaders, "5\r\nhello\r\n", "006\r\n world\r\n0\r\n\r\n", null)]
    [InlineData(DotNetHeaders, "5\r\nhello\r\n", "6\r\n world\r\n0\r\n" + Failure + "\r\n", "RangeError")]
    [InlineData(GoHeaders, "5\r\nhello\r\n", "6\r\n world\r\n0\r\n\r\n", null)]
    [InlineData(GoHeaders, "5\r\nhello\r\n", "6\r\n world\r\n0\r\n" + Failure + "\r\n", "RangeError")]
    [InlineData(PythonHeaders, "5\r\nhello\r\n", "6\r\n world\r\n0\r\n\r\n", null)]
    [InlineData(PythonHeaders, "5\r\nhello\r\n", "6\r\n world\r\n0\r\n" + Failure + "\r\n", "RangeError")]
    [InlineData(BashHeaders, "hello", "world", null)]
    [InlineData(NodeHeaders, "5\r\nhello\r\n", "6\r\n world\r\n0\r\n" + BlankFailure + "\r\n", "Runtime.Unknown")]
    public async Task Response_OfEachRuntime_IsPassedOnAsItArrives(
        string headers, string begin, string end, string? errorCode)
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime();
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("fake", runtime.Options), Token);
        using var client = server.CreateClient();

        var pending = client.InvokeWithResponseStreamAsync(new("fake"), Token);
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        using var connection = await process.SendRawAsync(
            headers.Replace("{id}", id, StringComparison.Ordinal) + begin);
        await using var response = await pending.WaitAsync(Soon, Token);
        await using var chunks = response.ReadOwnedChunksAsync(Token).GetAsyncEnumerator(Token);
        Assert.True(await chunks.MoveNextAsync().AsTask().WaitAsync(Soon, Token));
        Assert.Equal("hello", Encoding.UTF8.GetString(chunks.Current.Span));

        await connection.GetStream().WriteAsync(Encoding.UTF8.GetBytes(end), Token);
        Assert.True(await chunks.MoveNextAsync().AsTask().WaitAsync(Soon, Token));
        Assert.Equal("world", Encoding.UTF8.GetString(chunks.Current.Span).TrimStart());
        var exception = await Record.ExceptionAsync(() => chunks.MoveNextAsync().AsTask().WaitAsync(Soon, Token));

        Assert.Equal(errorCode, (exception as FunctionErrorException)?.ErrorCode);
        Assert.Equal(errorCode is null, exception is null);
        Assert.StartsWith("HTTP/1.1 202 ", await ReadReplyAsync(connection.GetStream()));
    }

    private static async Task<string> ReadReplyAsync(Stream stream)
    {
        using var reader = new StreamReader(stream);
        return await reader.ReadLineAsync(Token).AsTask().WaitAsync(Soon, Token) ?? "";
    }
}
