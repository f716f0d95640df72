using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>Nothing of the request outlives the response headers, however long the response is read.</summary>
[Collection(AloneCollection.Name)]
public sealed class RequestLifetimeTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Response_WhileItIsRead_HoldsNeitherRequestNorHttpMessages()
    {
        var (response, held) = await InvokeAsync();
        await Task.Yield();

        Assert.Equal(3, held.Count);
        foreach (var (name, reference) in held) Assert.True(GarbageCollector.Collects(reference), name);
        Assert.Equal("$LATEST", response.ExecutedVersion);
        await response.DisposeAsync();

        static async Task<(InvokeWithResponseStreamResponse, Dictionary<string, WeakReference>)> InvokeAsync()
        {
            Dictionary<string, WeakReference> held = [];
            using var client = StubbedClient.Sending(async (message, cancellationToken) =>
            {
                await message.Content!.CopyToAsync(Stream.Null, cancellationToken);
                var answer = StubbedClient.Answer(new MemoryStream(Messages.Chunk("x")));
                answer.RequestMessage = message;
                held["HttpRequestMessage"] = new WeakReference(message);
                held["HttpResponseMessage"] = new WeakReference(answer);
                return answer;
            });
            var request = new InvokeWithResponseStreamRequest("f") { Payload = new byte[100_000] };
            held["InvokeWithResponseStreamRequest"] = new WeakReference(request);
            return (await client.InvokeWithResponseStreamAsync(request, Ct), held);
        }
    }

    // .NET's connection refers to the message of its request until the end of the response.
    [Fact]
    public async Task Response_MessageIsHeldByItsConnection_DoesNotHoldThePayload()
    {
        List<HttpRequestMessage> messages = [];
        var (response, payload) = await InvokeAsync(messages);
        await Task.Yield();

        Assert.True(GarbageCollector.Collects(payload));
        Assert.Single(messages);
        await response.DisposeAsync();

        static async Task<(InvokeWithResponseStreamResponse, WeakReference)> InvokeAsync(
            List<HttpRequestMessage> messages)
        {
            using var client = StubbedClient.Sending(async (message, cancellationToken) =>
            {
                messages.Add(message);
                await message.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return StubbedClient.Answer(new MemoryStream(Messages.Chunk("x")));
            });
            var payload = new byte[1_000_000];
            var response = await client.InvokeWithResponseStreamAsync(new("f") { Payload = payload }, Ct);
            return (response, new WeakReference(payload));
        }
    }
}
