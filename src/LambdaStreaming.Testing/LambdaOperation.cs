namespace LambdaStreaming.Testing;

/// <summary>An operation of the Lambda service that the local server implements.</summary>
public enum LambdaOperation
{
    /// <summary>Returns the response of a function as an event stream.</summary>
    InvokeWithResponseStream,

    /// <summary>Returns the complete response of a function, or runs it asynchronously.</summary>
    Invoke,
}
