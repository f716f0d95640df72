using LambdaStreaming.Tool;

namespace LambdaStreaming.Fuzz;

/// <summary>The standard streams of the command line, in memory.</summary>
internal sealed class ToolStreams
{
    public ToolStreams(byte[] input) => Console = new ToolConsole
    {
        Input = new MemoryStream(input),
        Output = Output,
        Error = Error,
    };

    public MemoryStream Output { get; } = new();

    public StringWriter Error { get; } = new();

    public ToolConsole Console { get; }

    public ReadOnlySpan<byte> OutputBytes => Output.GetBuffer().AsSpan(0, (int)Output.Length);
}
