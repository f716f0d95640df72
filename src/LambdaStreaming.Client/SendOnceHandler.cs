using LambdaStreaming.Http;

namespace LambdaStreaming;

/// <summary>Stands innermost in an <see cref="HttpClient"/> of your own and sends each attempt of a <see cref="LambdaStreamingClient"/> once, whatever the handlers above it do.</summary>
/// <remarks>
/// This library's content refuses a second send by itself. A handler that reads the content into memory (<see cref="HttpContent.LoadIntoBufferAsync()"/>, <see cref="HttpContent.ReadAsStringAsync()"/>) or copies the request takes that away;
/// this handler does not look at the content but at the attempt, and counts every request that is sent within it. The second one ends in a <see cref="LambdaTransportException"/>.
/// Resends of <see cref="LambdaStreamingClientOptions.Retry"/> are attempts of their own. Requests that don't come from a <see cref="LambdaStreamingClient"/> pass.
/// </remarks>
/// <param name="innerHandler">What sends, e.g. that of <see cref="LambdaStreamingClient.CreateHandler"/>.</param>
public sealed class SendOnceHandler(HttpMessageHandler innerHandler) : DelegatingHandler(innerHandler)
{
    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return SendPermit.TryUse(request.Content) ? base.SendAsync(request, cancellationToken) : Task.FromException<HttpResponseMessage>(new SecondSendException());
    }

    /// <inheritdoc/>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return SendPermit.TryUse(request.Content) ? base.Send(request, cancellationToken) : throw new SecondSendException();
    }
}
