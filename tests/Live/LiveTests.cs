using System.Text;

namespace LambdaStreaming.Live;

/// <summary>Tests of undocumented behavior against the live service.</summary>
/// <remarks>
/// <para>
/// The tests use your credentials and a few invocations, at your cost. Region, profile and credentials come from the
/// default AWS provider chain. A test is skipped if its variable is not set:
/// </para>
/// <list type="bullet">
/// <item><description>LAMBDASTREAMING_LIVE_FUNCTION: a function that streams a short response.</description></item>
/// <item><description>
/// LAMBDASTREAMING_LIVE_FUNCTION_FAILING: a function that throws while responding.
/// </description></item>
/// <item><description>LAMBDASTREAMING_LIVE_FUNCTION_BUFFERED: a function that does not stream.</description></item>
/// <item><description>
/// LAMBDASTREAMING_LIVE_FUNCTION_HTTP: a function that responds with a status and headers (HttpResponseStream.from).
/// </description></item>
/// </list>
/// <para>
/// LAMBDASTREAMING_LIVE_PAYLOAD is the payload; the default is {}. Each test prints the received data: run with
/// -showliveoutput, or see the report.
/// </para>
/// </remarks>
public class LiveTests
{
    private const string Variable = "LAMBDASTREAMING_LIVE_FUNCTION";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task ReadChunksAsync_StreamingFunction_ResponseIsComplete() => InvokeAsync(Variable);

    [Fact]
    public Task ReadChunksAsync_BufferedFunction_ResponseIsComplete() => InvokeAsync(Variable + "_BUFFERED");

    [Fact]
    public Task ReadChunksAsync_FunctionWithStatusAndHeaders_ResponseIsComplete() => InvokeAsync(Variable + "_HTTP");

    [Fact]
    public async Task ReadChunksAsync_FailingFunction_ThrowsFunctionErrorException()
    {
        var exception = await Assert.ThrowsAsync<FunctionErrorException>(() => InvokeAsync(Variable + "_FAILING"));

        Print($"ErrorCode: {exception.ErrorCode}");
        Print($"ErrorDetails: {exception.ErrorDetails}");
        Print($"type, message: {exception.FunctionErrorType}, {exception.FunctionErrorMessage}");
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_DryRun_ReturnsStatus204()
    {
        using var client = new LambdaStreamingClient();
        var request = new InvokeWithResponseStreamRequest(GetFunction(Variable))
        {
            InvocationType = InvocationType.DryRun,
        };

        await using var response = await client.InvokeWithResponseStreamAsync(request, Token);

        PrintHeaders(response);
        Assert.Equal(204, (int)response.StatusCode);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_FunctionDoesNotExist_ThrowsLambdaServiceException()
    {
        GetFunction(Variable);
        using var client = new LambdaStreamingClient();
        var request = new InvokeWithResponseStreamRequest($"no-such-function-{Guid.NewGuid():N}");

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(request, Token));

        var status = (int)exception.StatusCode;
        Print($"{exception.GetType().Name}, {exception.ErrorCode}, HTTP {status}: {exception.Message}");
    }

    private static async Task InvokeAsync(string variable)
    {
        var payload = Environment.GetEnvironmentVariable("LAMBDASTREAMING_LIVE_PAYLOAD") ?? "{}";
        var request = InvokeWithResponseStreamRequest.FromJson(GetFunction(variable), payload) with
        {
            LogType = LogType.Tail,
        };
        using var client = new LambdaStreamingClient();
        await using var response = await client.InvokeWithResponseStreamAsync(request, Token);
        PrintHeaders(response);

        var chunks = 0;
        await foreach (var chunk in response.ReadChunksAsync(Token))
        {
            if (++chunks <= 5) Print($"chunk {chunks}: {chunk.Length} bytes, {GetStart(chunk.ToArray())}");
        }

        Print($"{chunks} chunks; end of the log: {response.InvokeComplete?.DecodeLogResult()}");
        Assert.NotNull(response.InvokeComplete);
    }

    private static void PrintHeaders(InvokeWithResponseStreamResponse response)
    {
        Print($"HTTP {(int)response.StatusCode}, request id {response.RequestId}, version {response.ExecutedVersion}");
        Print($"ResponseStreamContentType: {response.ResponseStreamContentType}");
        foreach (var header in response.Headers) Print($"  {header.Key}: {string.Join(", ", header.Value)}");
    }

    private static string GetStart(byte[] bytes) => Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 60)))
        .ReplaceLineEndings("\\n")
        .Replace("\0", "\\0", StringComparison.Ordinal);

    private static string GetFunction(string variable)
    {
        var name = Environment.GetEnvironmentVariable(variable);
        Assert.SkipWhen(
            string.IsNullOrWhiteSpace(name),
            $"This test calls a real function. Set {variable} to its name.");
        return name!;
    }

    private static void Print(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);
}
