namespace LambdaStreaming.Testing;

/// <summary>A .NET function cannot be built or started.</summary>
public sealed class FunctionBuildException : Exception
{
    /// <summary>Creates an exception.</summary>
    /// <param name="message">What failed, and what to do.</param>
    public FunctionBuildException(string message)
        : base(message)
    {
    }

    internal FunctionBuildException(string message, string output)
        : base(message) => BuildOutput = output;

    internal FunctionBuildException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The output of <c>dotnet build</c>.</summary>
    /// <value>Empty if the build did not run.</value>
    public string BuildOutput { get; } = "";
}
