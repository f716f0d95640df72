namespace LambdaStreaming.Testing;

/// <summary>How an answer ends before its time.</summary>
public enum TruncationMode
{
    /// <summary>The HTTP body ends as a whole one does; only what it holds is incomplete.</summary>
    EndOfBody,

    /// <summary>The connection is closed (TCP FIN) amid the HTTP body.</summary>
    Close,

    /// <summary>The connection is reset (TCP RST) amid the HTTP body.</summary>
    Reset,
}
