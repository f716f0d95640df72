namespace LambdaStreaming.Testing;

/// <summary>How an answer ends before its time.</summary>
public enum CutMode
{
    /// <summary>The HTTP body ends as a whole one does; only what it holds is incomplete.</summary>
    CleanEnd,

    /// <summary>The connection is closed (TCP FIN) amid the HTTP body.</summary>
    Close,

    /// <summary>The connection is reset (TCP RST) amid the HTTP body.</summary>
    Reset,
}
