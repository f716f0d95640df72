using System.Text;

namespace LambdaStreaming.Tool.Serve;

/// <summary>Splits a command line into words with the quotation rules of a Unix shell.</summary>
/// <remarks>Source: POSIX, Shell Command Language, Quoting. Nothing is expanded.</remarks>
internal static class CommandWords
{
    /// <summary>Splits a command line. The text after a <c>#</c> outside quotation marks is the handler.</summary>
    /// <returns>False if a quotation mark is not closed.</returns>
    public static bool TrySplit(string text, out IReadOnlyList<string> words, out string? handler)
    {
        var found = new List<string>();
        var word = new StringBuilder();
        var quote = '\0';
        var isWord = false;
        words = found;
        handler = null;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quote == '\0' && c == '#')
            {
                handler = text[(i + 1)..].Trim();
                break;
            }

            if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (isWord)
                    found.Add(word.ToString());
                word.Clear();
                isWord = false;
            }
            else if (c is '\'' or '"' && (quote == '\0' || quote == c))
            {
                quote = quote == c ? '\0' : c;
                isWord = true;
            }
            else
            {
                if (IsEscape(text, i, quote))
                    i++;
                word.Append(text[i]);
                isWord = true;
            }
        }

        if (isWord)
            found.Add(word.ToString());
        return quote == '\0';
    }

    // On Windows, a backslash separates folders.
    private static bool IsEscape(string text, int index, char quote)
    {
        if (text[index] != '\\' || index + 1 == text.Length || OperatingSystem.IsWindows())
            return false;
        return quote switch
        {
            '\'' => false,
            '"' => text[index + 1] is '"' or '\\' or '$' or '`',
            _ => true,
        };
    }
}
