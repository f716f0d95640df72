namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>A client whose every call fails, or whose every answer is the one given.</summary>
internal sealed class FailingClient(Exception exception) : ILambdaStreamingClient
{
    public Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest request, CancellationToken cancellationToken = default) =>
        Task.FromException<InvokeWithResponseStreamResponse>(exception);

    public void Dispose()
    {
    }
}
