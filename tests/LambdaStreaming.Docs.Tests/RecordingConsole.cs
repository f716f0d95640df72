using System.Text;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Replacement for the console that records the output of snippets.</summary>
/// <remarks>Snippets use a property named Console of this type, so that they look like ordinary code.</remarks>
internal sealed class RecordingConsole
{
    private readonly StringBuilder _text = new();

    public string Text => _text.ToString();

    public void Write(string? text) => _text.Append(text);

    public void WriteLine(string text) => _text.Append(text).Append('\n');
}
