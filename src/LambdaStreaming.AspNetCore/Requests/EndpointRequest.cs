namespace LambdaStreaming.AspNetCore.Requests;

/// <summary>A request to invoke a function.</summary>
/// <param name="Request">The function and its payload.</param>
/// <param name="IsPayloadFromClient">
/// Whether the HTTP client is responsible for the payload: the app has neither created nor replaced it.
/// </param>
internal readonly record struct EndpointRequest(InvokeWithResponseStreamRequest Request, bool IsPayloadFromClient);
