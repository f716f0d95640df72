using System.Net;
using Amazon.Runtime;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>A cancelled call throws an exception that reports whether the function might have run.</summary>
public sealed class InvocationCanceledTests
{
    private const int AttemptFailed = 3;

    public static TheoryData<string, bool> Stages => new()
    {
        { "before the call", false },
        { "credentials", false },
        { "before sending", false },
        { "after sending", true },
        { "error body", true },
        { "retry delay after throttling", false },
        { "retry delay after a reset", true },
    };

    [Theory, MemberData(nameof(Stages))]
    public async Task InvokeWithResponseStreamAsync_Canceled_ReportsWhetherTheFunctionMightHaveRun(
        string stage,
        bool expected)
    {
        using var canceling = new CancellationTokenSource();
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                if (stage == "before sending") await CancelAsync(canceling);
                await request.Content!.CopyToAsync(Stream.Null, CancellationToken.None);
                if (stage == "retry delay after throttling")
                    return StubbedClient.CreateResponse(Stream.Null, HttpStatusCode.TooManyRequests);
                if (stage == "retry delay after a reset") throw new HttpRequestException("reset");
                if (stage == "error body")
                    return StubbedClient.CreateResponse(
                        new CancelingStream(canceling), HttpStatusCode.InternalServerError);
                await CancelAsync(canceling);
                return StubbedClient.CreateResponse(Stream.Null);
            },
            options =>
            {
                if (stage == "credentials") options.Credentials = new CancelingCredentials(canceling);
                options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.AtLeastOnce };
                options.LoggerFactory = new CallbackLogger
                {
                    // A retry is logged before its delay.
                    Logging = (id, _) =>
                    {
                        if (id.Id == AttemptFailed) canceling.Cancel();
                    },
                };
            });
        if (stage == "before the call") await canceling.CancelAsync();

        var request = InvokeWithResponseStreamRequest.FromJson("f", "{}");
        var call = client.InvokeWithResponseStreamAsync(request, canceling.Token);
        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => call);

        Assert.Equal(expected, exception.FunctionMayHaveRun);
        Assert.Equal(canceling.Token, exception.CancellationToken);
    }

    public static TheoryData<string> Readers => ["events", "chunks", "text", "lines", "string", "stream", "copy"];

    [Theory, MemberData(nameof(Readers))]
    public async Task Read_Canceled_ReportsThatTheFunctionMightHaveRun(string reader)
    {
        using var canceling = new CancellationTokenSource();
        await using var response = InvokeWithResponseStreamResponse.Create(new NeverStream());

        var reading = ReadAsync(response, reader, canceling.Token);
        await canceling.CancelAsync();
        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => reading);

        Assert.True(exception.FunctionMayHaveRun);
        Assert.Equal(canceling.Token, exception.CancellationToken);
    }

    private static async Task ReadAsync(
        InvokeWithResponseStreamResponse response,
        string reader,
        CancellationToken token)
    {
        switch (reader)
        {
            case "events":
                await foreach (var _ in response.WithCancellation(token)) continue;
                break;
            case "chunks":
                await foreach (var _ in response.ReadChunksAsync(token)) continue;
                break;
            case "text":
                await foreach (var _ in response.ReadTextAsync(cancellationToken: token)) continue;
                break;
            case "lines":
                await foreach (var _ in response.ReadLinesAsync(cancellationToken: token)) continue;
                break;
            case "string":
                await response.ReadAsStringAsync(cancellationToken: token);
                break;
            case "stream":
                _ = await response.AsStream().ReadAtLeastAsync(new byte[10], 1, cancellationToken: token);
                break;
            default:
                await response.CopyToAsync(new MemoryStream(), token);
                break;
        }
    }

    private static async Task CancelAsync(CancellationTokenSource canceling)
    {
        await canceling.CancelAsync();
        canceling.Token.ThrowIfCancellationRequested();
    }

    private sealed class CancelingCredentials(CancellationTokenSource canceling) : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials()
        {
            canceling.Cancel();
            throw new OperationCanceledException(canceling.Token);
        }
    }

    private sealed class CancelingStream(CancellationTokenSource canceling) : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default)
        {
            await CancelAsync(canceling);
            return 0;
        }
    }

    private sealed class NeverStream : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return 0;
        }
    }
}
