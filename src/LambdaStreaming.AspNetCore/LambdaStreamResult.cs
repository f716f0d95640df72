using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore;

/// <summary>The result of <see cref="LambdaResults"/>: invokes a function where that is still to be done, and passes its answer on while it is being made.</summary>
public sealed class LambdaStreamResult : IResult
{
    private readonly InvokeWithResponseStreamRequest? _request;
    private readonly InvokeWithResponseStreamResponse? _response;
    private readonly LambdaStreamOptions _options;

    internal LambdaStreamResult(InvokeWithResponseStreamRequest? request, InvokeWithResponseStreamResponse? response, LambdaStreamOptions? options)
    {
        _options = options ?? new LambdaStreamOptions();
        try
        {
            _options.Validate();
        }
        catch
        {
            // Handed over with the call: nobody else disposes it.
            response?.Dispose();
            throw;
        }

        _request = request;
        _response = response;
    }

    /// <summary>Does the work: see <see cref="LambdaResults"/>.</summary>
    /// <param name="httpContext">The browser's request.</param>
    /// <returns>Ends when the answer has been passed on, or a problem answer was written in its place.</returns>
    /// <exception cref="LambdaStreamingException">The answer was cut after its first byte. The exception must reach the server: it is what keeps the cut from looking like a good end.</exception>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        return ResponseForwarder.RunAsync(httpContext, _options, payloadFromClient: false, cancellationToken => _response is null
            ? ResponseForwarder.GetClient(httpContext, _options).InvokeWithResponseStreamAsync(_request!, cancellationToken)
            : Task.FromResult(_response));
    }
}
