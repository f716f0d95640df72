namespace LambdaStreaming.AspNetCore.Requests;

/// <summary>A request to invoke a function.</summary>
/// <param name="Request">The function and its payload.</param>
/// <param name="Origin">The parts for which the HTTP client is responsible.</param>
internal readonly record struct EndpointRequest(InvokeWithResponseStreamRequest Request, RequestOrigin Origin);
