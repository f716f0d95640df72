using System.Text;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Snippets say Console, as a reader would write; a property of that name, of this type, hears them.</summary>
internal sealed class ListeningConsole
{
    private readonly StringBuilder _heard = new();

    public string Heard => _heard.ToString();

    public void Write(string? text) => _heard.Append(text);

    public void WriteLine(string text) => _heard.Append(text).Append('\n');
}
