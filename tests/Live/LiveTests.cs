using System.Text;

namespace LambdaStreaming.Live;

/// <summary>Settles what no document says, against the live service, with your own credentials and at your own cost: a few invocations.</summary>
/// <remarks>
/// LAMBDASTREAMING_LIVE_FUNCTION names a function that streams a little; ..._FAILING one that throws amid its answer; ..._BUFFERED one that does not stream; ..._HTTP one that answers with a status and headers
/// (HttpResponseStream.from). Region, profile and credentials are those of every AWS SDK. LAMBDASTREAMING_LIVE_PAYLOAD is the payload, {} by default.
/// Run with -showliveoutput, or look at the report: each test prints what it saw.
/// </remarks>
public class LiveTests
{
    private const string Variable = "LAMBDASTREAMING_LIVE_FUNCTION";

    [Fact]
    public Task Answer_OfAStreamingFunction_IsWhole() => InvokeAsync(Variable);

    [Fact]
    public Task Answer_OfABufferedFunction_IsWhole() => InvokeAsync(Variable + "_BUFFERED");

    [Fact]
    public Task Answer_WithStatusAndHeaders_IsWhole() => InvokeAsync(Variable + "_HTTP");

    [Fact]
    public async Task Answer_OfAFailingFunction_IsAFunctionError()
    {
        var exception = await Assert.ThrowsAsync<FunctionErrorException>(() => InvokeAsync(Variable + "_FAILING"));

        Say($"ErrorCode: {exception.ErrorCode}");
        Say($"ErrorDetails: {exception.ErrorDetails}");
        Say($"type, message: {exception.FunctionErrorType}, {exception.FunctionErrorMessage}");
    }

    [Fact]
    public async Task DryRun_OfAStreamingFunction_Is204()
    {
        using var client = new LambdaStreamingClient();
        await using var response = await client.InvokeWithResponseStreamAsync(new(Function(Variable)) { InvocationType = InvocationType.DryRun }, TestContext.Current.CancellationToken);

        PrintHeaders(response);
        Assert.Equal(204, (int)response.StatusCode);
    }

    [Fact]
    public async Task Refusal_OfAnUnknownFunction_IsTyped()
    {
        Function(Variable);
        using var client = new LambdaStreamingClient();

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(new($"no-such-function-{Guid.NewGuid():N}"), TestContext.Current.CancellationToken));

        Say($"{exception.GetType().Name}, {exception.ErrorCode}, HTTP {(int)exception.StatusCode}: {exception.Message}");
    }

    private static async Task InvokeAsync(string variable)
    {
        var payload = Environment.GetEnvironmentVariable("LAMBDASTREAMING_LIVE_PAYLOAD") ?? "{}";
        var request = InvokeWithResponseStreamRequest.FromJson(Function(variable), payload) with { LogType = LogType.Tail };
        using var client = new LambdaStreamingClient();
        await using var response = await client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken);
        PrintHeaders(response);

        var chunks = 0;
        await foreach (var chunk in response.ReadChunksAsync(TestContext.Current.CancellationToken))
        {
            if (++chunks <= 5) Say($"chunk {chunks}: {chunk.Length} bytes, {Beginning(chunk.ToArray())}");
        }

        Say($"{chunks} chunks; the log ends with: {response.InvokeComplete?.DecodeLogResult()}");
        Assert.NotNull(response.InvokeComplete);
    }

    private static void PrintHeaders(InvokeWithResponseStreamResponse response)
    {
        Say($"HTTP {(int)response.StatusCode}, request id {response.RequestId}, version {response.ExecutedVersion}, ResponseStreamContentType {response.ResponseStreamContentType}");
        foreach (var header in response.Headers) Say($"  {header.Key}: {string.Join(", ", header.Value)}");
    }

    private static string Beginning(byte[] bytes) => Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 60))).ReplaceLineEndings("\\n").Replace("\0", "\\0", StringComparison.Ordinal);

    private static string Function(string variable)
    {
        var name = Environment.GetEnvironmentVariable(variable);
        Assert.SkipWhen(string.IsNullOrWhiteSpace(name), $"Calls a real function: set {variable} to its name.");
        return name!;
    }

    private static void Say(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);
}
