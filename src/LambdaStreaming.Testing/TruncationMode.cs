namespace LambdaStreaming.Testing;

/// <summary>How a response is terminated prematurely.</summary>
public enum TruncationMode
{
    /// <summary>The HTTP body ends properly, but the event stream in it is incomplete.</summary>
    EndOfBody,

    /// <summary>The connection is closed (TCP FIN) within the HTTP body.</summary>
    Close,

    /// <summary>The connection is reset (TCP RST) within the HTTP body.</summary>
    /// <remarks>
    /// The operating system can discard bytes that the client has not read. The client can receive less than was sent,
    /// and another amount each time.
    /// </remarks>
    Reset,
}
