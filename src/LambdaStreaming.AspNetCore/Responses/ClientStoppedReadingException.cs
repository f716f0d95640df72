namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>A flush has reported that the client no longer reads the response.</summary>
/// <remarks>The server can report this before it cancels <c>RequestAborted</c>.</remarks>
internal sealed class ClientStoppedReadingException(CancellationToken cancellationToken)
    : OperationCanceledException("The client no longer reads the response.", cancellationToken);
