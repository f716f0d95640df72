namespace LambdaStreaming.Testing;

/// <summary>How a response is terminated prematurely.</summary>
public enum TruncationMode
{
    /// <summary>The HTTP body ends properly, but the event stream in it is incomplete.</summary>
    EndOfBody,

    /// <summary>The connection is closed (TCP FIN) within the HTTP body.</summary>
    Close,

    /// <summary>The connection is reset (TCP RST) within the HTTP body.</summary>
    Reset,
}
