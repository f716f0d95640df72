namespace LambdaStreaming.Tool.Serve;

/// <summary>What runs a function: the word before the colon in <c>--function</c>.</summary>
internal enum FunctionKind
{
    /// <summary>Node.js with AWS's runtime interface client.</summary>
    Node,

    /// <summary>A .NET project or program.</summary>
    DotNet,

    /// <summary>Any program that uses the Lambda Runtime API.</summary>
    Exec,

    /// <summary>A text that the server itself streams.</summary>
    Text,
}
