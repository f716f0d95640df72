using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>A response does not keep the request in memory while it is read.</summary>
[Collection(NonParallelCollection.Name)]
public sealed class RequestLifetimeTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Response_WhileItIsRead_DoesNotReferenceRequestOrHttpMessages()
    {
        var (response, references) = await InvokeAsync();
        await Task.Yield();

        Assert.Equal(3, references.Count);
        foreach (var (name, reference) in references)
            Assert.True(GarbageCollector.Collects(reference), name);
        Assert.Equal("$LATEST", response.ExecutedVersion);
        await response.DisposeAsync();

        static async Task<(InvokeWithResponseStreamResponse, Dictionary<string, WeakReference>)> InvokeAsync()
        {
            Dictionary<string, WeakReference> references = [];
            using var client = StubbedClient.Sending(async (message, cancellationToken) =>
            {
                await message.Content!.CopyToAsync(Stream.Null, cancellationToken);
                var httpResponse = StubbedClient.CreateResponse(new MemoryStream(Messages.Chunk("x")));
                httpResponse.RequestMessage = message;
                references["HttpRequestMessage"] = new WeakReference(message);
                references["HttpResponseMessage"] = new WeakReference(httpResponse);
                return httpResponse;
            });
            var request = new InvokeWithResponseStreamRequest("f") { Payload = new byte[100_000] };
            references["InvokeWithResponseStreamRequest"] = new WeakReference(request);
            return (await client.InvokeWithResponseStreamAsync(request, Ct), references);
        }
    }

    // The connection of SocketsHttpHandler references the request message until the end of the response.
    [Fact]
    public async Task Response_ConnectionReferencesTheHttpMessage_DoesNotReferenceThePayload()
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
                return StubbedClient.CreateResponse(new MemoryStream(Messages.Chunk("x")));
            });
            var payload = new byte[1_000_000];
            var response = await client.InvokeWithResponseStreamAsync(new("f") { Payload = payload }, Ct);
            return (response, new WeakReference(payload));
        }
    }
}
