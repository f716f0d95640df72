using System.ClientModel;
using System.ClientModel.Primitives;
using LambdaStreaming.Testing;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using ChatMessage = OpenAI.Chat.ChatMessage;

namespace LambdaStreaming.Http.Tests.Clients;

/// <summary>OpenAI's client and Microsoft.Extensions.AI over the handler.</summary>
public sealed class OpenAITests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ChatMessage[] Messages => [new UserChatMessage("hi")];

    public static TheoryData<Fault> Faults => [.. Enum.GetValues<Fault>()];

    [Fact]
    public async Task CompleteChatStreamingAsync_YieldsEachPartAsItArrives()
    {
        await using var web = await ChatFunction.StartAsync();
        var parts = new List<string>();

        await foreach (var update in CreateClient(web).CompleteChatStreamingAsync(Messages, cancellationToken: Token))
        {
            parts.AddRange(update.ContentUpdate.Select(part => part.Text));
            web.FirstPartSeen();
        }

        Assert.Equal(["first", "second"], parts);
    }

    [Fact]
    public async Task CompleteChatStreaming_Synchronous_YieldsEachPartAsItArrives()
    {
        await using var web = await ChatFunction.StartAsync();
        var parts = new List<string>();

        foreach (var update in CreateClient(web).CompleteChatStreaming(Messages, cancellationToken: Token))
        {
            parts.AddRange(update.ContentUpdate.Select(part => part.Text));
            web.FirstPartSeen();
        }

        Assert.Equal(["first", "second"], parts);
    }

    [Theory, MemberData(nameof(Faults))]
    public async Task CompleteChatStreamingAsync_FaultInTheMiddle_ThrowsAndIsNotRepeated(Fault fault)
    {
        await using var web = await ChatFunction.StartAsync(fault);
        var parts = new List<string>();

        var exception = await Assert.ThrowsAsync<HttpIOException>(async () =>
        {
            var updates = CreateClient(web, new ClientRetryPolicy()).CompleteChatStreamingAsync(
                Messages,
                cancellationToken: Token);
            await foreach (var update in updates)
            {
                parts.AddRange(update.ContentUpdate.Select(part => part.Text));
                web.FirstPartSeen();
            }
        });

        Assert.IsAssignableFrom<LambdaStreamingException>(exception.InnerException);
        Assert.Equal(["first"], parts);
        Assert.Equal(1, web.Calls);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_YieldsEachPartAsItArrives()
    {
        await using var web = await ChatFunction.StartAsync();
        var parts = new List<string>();

        var client = CreateClient(web).AsIChatClient();
        await foreach (var update in client.GetStreamingResponseAsync("hi", cancellationToken: Token))
        {
            if (update.Text.Length > 0) parts.Add(update.Text);
            web.FirstPartSeen();
        }

        Assert.Equal(["first", "second"], parts);
    }

    [Theory, MemberData(nameof(Faults))]
    public async Task GetStreamingResponseAsync_FaultInTheMiddle_Throws(Fault fault)
    {
        await using var web = await ChatFunction.StartAsync(fault);
        var parts = new List<string>();

        var exception = await Assert.ThrowsAsync<HttpIOException>(async () =>
        {
            var updates = CreateClient(web).AsIChatClient().GetStreamingResponseAsync("hi", cancellationToken: Token);
            await foreach (var update in updates)
            {
                parts.Add(update.Text);
                web.FirstPartSeen();
            }
        });

        Assert.IsAssignableFrom<LambdaStreamingException>(exception.InnerException);
        Assert.Equal(["first"], parts);
    }

    // The documentation of LambdaHttpHandler warns that OpenAI's client repeats calls.
    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 1)]
    public async Task CompleteChatStreamingAsync_FailureBeforeTheHeaders_IsRepeatedByDefault(bool isOff, int calls)
    {
        await using var web = await ChatFunction.StartAsync();
        web.Function.OnEveryCall().CloseBeforeHeaders(TruncationMode.Close);
        var client = CreateClient(web, isOff ? new ClientRetryPolicy(0) : new ImmediateRetryPolicy());

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var _ in client.CompleteChatStreamingAsync(Messages, cancellationToken: Token))
            {
            }
        });

        Assert.Equal(calls, web.Calls);
    }

    private static ChatClient CreateClient(WebFunction web, PipelinePolicy? retryPolicy = null) =>
        new("m", new ApiKeyCredential("key"), new OpenAIClientOptions
        {
            Endpoint = new Uri("https://web/v1"),
            Transport = new HttpClientPipelineTransport(web.Http),
            RetryPolicy = retryPolicy ?? new ClientRetryPolicy(0),
        });

    private sealed class ImmediateRetryPolicy : ClientRetryPolicy
    {
        protected override TimeSpan GetNextDelay(PipelineMessage message, int tryCount) => TimeSpan.Zero;
    }
}
