using System.IO.Pipelines;
using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Tests.EventStream;
using LambdaStreaming.Tests.Payload;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Cancelled calls and readers.</summary>
internal static class CancellationScenarios
{
    public static MessageArea Area { get; } = new("Cancellation", [.. Calls(), .. Credentials(), .. Reading()]);

    private static IEnumerable<MessageScenario> Calls() =>
    [
        new("Call cancelled before sending", () => CancelAsync(Provocations.Request, afterSending: false)),
        new("Call cancelled after sending", () => CancelAsync(Provocations.Request, afterSending: true)),
        new("Dry run cancelled after sending", () => CancelAsync(
            Provocations.Request with { InvocationType = InvocationType.DryRun },
            afterSending: true)),
        new("Call cancelled while an error is read", CancelErrorAsync),
    ];

    private static IEnumerable<MessageScenario> Credentials() =>
    [
        new("Call cancelled while credentials are read", () => CancelCredentialsAsync(readsBefore: 0)),
        new(
            "Call cancelled while credentials of a later attempt are read",
            () => CancelCredentialsAsync(readsBefore: 1)),
    ];

    private static IEnumerable<MessageScenario> Reading() =>
    [
        new("Reading cancelled", async () =>
        {
            using var cancelling = new CancellationTokenSource();
            var body = new FuncStream(async (_, cancellationToken) =>
            {
                await cancelling.CancelAsync();
                cancellationToken.ThrowIfCancellationRequested();
                return 0;
            });
            await Provocations.ReadAsync(StubbedClient.Streaming(body), cancellationToken: cancelling.Token);
        }),
        new("Flush of the destination pipe cancelled", async () =>
        {
            await using var response = Fragmented.Response("abc");
            var pipe = new Pipe();
            pipe.Writer.CancelPendingFlush();
            await response.CopyToAsync(pipe.Writer, Provocations.Token);
        }),
    ];

    private static async Task CancelAsync(InvokeWithResponseStreamRequest request, bool afterSending)
    {
        using var cancelling = new CancellationTokenSource();
        var client = StubbedClient.Sending(
            async (message, cancellationToken) =>
            {
                if (afterSending) await message.Content!.CopyToAsync(Stream.Null, CancellationToken.None);
                await cancelling.CancelAsync();
                cancellationToken.ThrowIfCancellationRequested();
                return new HttpResponseMessage();
            },
            options => options.Retry = Provocations.NoRetry);
        await Provocations.ReadAsync(client, request, cancelling.Token);
    }

    private static async Task CancelErrorAsync()
    {
        using var cancelling = new CancellationTokenSource();
        var body = new FuncStream(async (_, cancellationToken) =>
        {
            await cancelling.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            return 0;
        });
        var client = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(
                body, HttpStatusCode.InternalServerError, ("Content-Type", "application/json")));
        await Provocations.ReadAsync(client, cancellationToken: cancelling.Token);
    }

    private static async Task CancelCredentialsAsync(int readsBefore)
    {
        using var cancelling = new CancellationTokenSource();
        var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("reset");
            },
            options =>
            {
                options.Retry = new LambdaRetryOptions
                {
                    Policy = LambdaRetryPolicy.AtLeastOnce,
                    BaseDelay = TimeSpan.Zero,
                };
                options.Credentials = new StubbedCredentials(read =>
                {
                    if (read <= readsBefore) return new ImmutableCredentials("AKIDEXAMPLE", "secret", null);
                    cancelling.Cancel();
                    throw new OperationCanceledException(cancelling.Token);
                });
            });
        await Provocations.ReadAsync(client, cancellationToken: cancelling.Token);
    }
}
