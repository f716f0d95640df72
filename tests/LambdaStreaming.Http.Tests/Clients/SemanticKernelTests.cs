using System.ClientModel;
using LambdaStreaming.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace LambdaStreaming.Http.Tests.Clients;

/// <summary>Semantic Kernel's connector for OpenAI over the handler.</summary>
public sealed class SemanticKernelTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<Fault> Faults => [.. Enum.GetValues<Fault>()];

    [Fact]
    public async Task GetStreamingChatMessageContentsAsync_YieldsEachPartAsItArrives()
    {
        await using var web = await ChatFunction.StartAsync();
        var parts = new List<string>();

        await foreach (var part in ChatAsync(web))
        {
            parts.Add(part);
            web.FirstPartSeen();
        }

        Assert.Equal(["first", "second"], parts);
    }

    [Theory, MemberData(nameof(Faults))]
    public async Task GetStreamingChatMessageContentsAsync_FaultInTheMiddle_ThrowsAndIsNotRepeated(Fault fault)
    {
        await using var web = await ChatFunction.StartAsync(fault);
        var parts = new List<string>();

        var exception = await Assert.ThrowsAsync<HttpIOException>(async () =>
        {
            await foreach (var part in ChatAsync(web))
            {
                parts.Add(part);
                web.FirstPartSeen();
            }
        });

        Assert.IsAssignableFrom<LambdaStreamingException>(exception.InnerException);
        Assert.Equal(["first"], parts);
        Assert.Equal(1, web.Calls);
    }

    // The documentation states this. Semantic Kernel disables the retries of OpenAI's client.
    [Fact]
    public async Task GetStreamingChatMessageContentsAsync_FailureBeforeTheHeaders_IsNotRepeated()
    {
        await using var web = await ChatFunction.StartAsync();
        web.Function.OnEveryCall().CloseBeforeHeaders(TruncationMode.Close);

        var exception = await Assert.ThrowsAsync<ClientResultException>(
            async () => await ChatAsync(web).ToListAsync(Token));

        Assert.IsType<HttpRequestException>(exception.InnerException);
        Assert.Equal(1, web.Calls);
    }

    private static IAsyncEnumerable<string> ChatAsync(WebFunction web)
    {
        var builder = Kernel.CreateBuilder();
        builder.AddOpenAIChatCompletion("my-model", new Uri("https://web/v1"), "key", httpClient: web.Http);
        return builder.Build().GetRequiredService<IChatCompletionService>()
            .GetStreamingChatMessageContentsAsync("hi", cancellationToken: Token)
            .Select(part => part.Content ?? "")
            .Where(text => text.Length > 0);
    }
}
