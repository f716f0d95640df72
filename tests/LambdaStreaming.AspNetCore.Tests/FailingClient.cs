namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>A client whose calls all fail with one exception.</summary>
internal sealed class FailingClient(Exception exception) : ILambdaStreamingClient
{
    public Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(
        InvokeWithResponseStreamRequest request,
        CancellationToken cancellationToken = default) =>
        Task.FromException<InvokeWithResponseStreamResponse>(exception);

    public void Dispose()
    {
    }
}
