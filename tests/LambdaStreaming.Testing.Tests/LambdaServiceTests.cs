using System.Net;
using LambdaStreaming.Testing.Http;
using LambdaStreaming.Testing.Signing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Requests without Kestrel, so that a test decides when the end of the connection is detected.</summary>
public sealed class LambdaServiceTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly RequestLog _requests = new(10);

    // Completes when the function waits for its first write.
    private readonly TaskCompletionSource _writing = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunAsync_ClientDisconnectsDuringAWrite_IsNoFunctionError()
    {
        using var requestAborted = new CancellationTokenSource();
        // Its sending never starts, so the write waits.
        var output = new ConnectionOutput(Stream.Null);
        var service = CreateService(function => function.OnEveryCall().WriteInFragments(1));

        var processing = service.ProcessRequestAsync(CreateContext(output, requestAborted.Token));
        var request = Assert.Single(_requests.Snapshot());
        await _writing.Task.WaitAsync(Soon, Token);
        Assert.False(processing.IsCompleted);
        await requestAborted.CancelAsync().WaitAsync(Soon, Token);
        await processing.WaitAsync(Soon, Token);

        Assert.Null(request.FunctionErrorCode);
        Assert.True(request.ClientDisconnected.IsCompleted);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(TruncationMode.EndOfBody)]
    [InlineData(TruncationMode.Close)]
    public async Task ClientDisconnected_OnlyTheOutputDetectsIt_Completes(TruncationMode? truncation)
    {
        var output = new ConnectionOutput(new BrokenStream());
        var sending = output.SendAsync();
        var service = CreateService(function =>
        {
            if (truncation is { } mode) function.OnEveryCall().TruncateBeforeInvokeComplete(mode);
        });

        await service.ProcessRequestAsync(CreateContext(output, CancellationToken.None)).WaitAsync(Soon, Token);
        await output.CompleteAsync();
        await sending.WaitAsync(Soon, Token);

        Assert.True(Assert.Single(_requests.Snapshot()).ClientDisconnected.IsCompleted);
    }

    private LambdaService CreateService(Action<LocalFunction> configure)
    {
        var options = new LocalLambdaServerOptions { VerifySignatures = false };
        configure(options.AddFunction("f", (_, response, token) =>
        {
            var write = response.WriteTextAsync("text", token);
            _writing.SetResult();
            return write;
        }));
        var credentials = options.Credentials.GetCredentials();
        var verifier = new SigV4Verifier(credentials, "us-east-1", "lambda", TimeProvider.System);
        return new LambdaService(options, new WebPageGuard([]), verifier, _requests, CancellationToken.None);
    }

    private static DefaultHttpContext CreateContext(ConnectionOutput output, CancellationToken requestAborted)
    {
        var context = new DefaultHttpContext { RequestAborted = requestAborted };
        context.Features.Set(output);
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(output.AsStream()));
        context.Connection.LocalPort = 80;
        context.Connection.Id = "1";
        context.Request.Method = HttpMethods.Post;
        context.Request.Host = new HostString(IPAddress.Loopback.ToString());
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget =
            "/2021-11-15/functions/f/response-streaming-invocations";
        return context;
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.FromException(new IOException("The connection is closed."));
    }
}
