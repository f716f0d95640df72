using LambdaStreaming.AspNetCore.Requests;
using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore;

/// <summary>A result that forwards the response of a function as the function produces it.</summary>
/// <remarks>Created by <see cref="LambdaResults"/>. It invokes the function unless it was given a response.</remarks>
public sealed class LambdaStreamResult : IResult
{
    private readonly InvokeWithResponseStreamRequest? _request;
    private readonly InvokeWithResponseStreamResponse? _response;
    private readonly LambdaStreamOptions _options;

    internal LambdaStreamResult(
        InvokeWithResponseStreamRequest? request,
        InvokeWithResponseStreamResponse? response,
        LambdaStreamOptions? options)
    {
        _options = options ?? new LambdaStreamOptions();
        try
        {
            if (options is LambdaStreamEndpointOptions) throw EndpointOptionsException();
            _options.Validate();
        }
        catch
        {
            // The caller has handed over ownership of the response, so nobody else disposes it.
            response?.Dispose();
            throw;
        }

        _request = request;
        _response = response;
    }

    /// <summary>Forwards the function's response, or writes a ProblemDetails response if the call fails.</summary>
    /// <param name="httpContext">The HTTP request and response.</param>
    /// <returns>A task that completes once the response or the ProblemDetails has been written.</returns>
    /// <exception cref="LambdaStreamingException">
    /// The response failed after its headers were sent. Do not catch this exception in middleware: the server must see
    /// it to end the HTTP response as incomplete.
    /// </exception>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        ArgumentNullException.ThrowIfNull(httpContext);
        return _response is not null
            ? ResponseForwarder.ForwardAsync(httpContext, _options, _response)
            : ResponseForwarder.InvokeAsync(
                httpContext,
                _options,
                _ => Task.FromResult(new EndpointRequest(_request!, Origin: default)));
    }

    private static ArgumentException EndpointOptionsException() => new(
        $"{nameof(LambdaStreamEndpointOptions)} are for MapLambdaStream. A result would ignore options such as "
        + $"{nameof(LambdaStreamEndpointOptions.TransformRequest)}: use {nameof(LambdaStreamOptions)}.",
        "options");
}
