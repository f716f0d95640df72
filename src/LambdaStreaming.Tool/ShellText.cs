using System.Text.RegularExpressions;

namespace LambdaStreaming.Tool;

/// <summary>Writes arguments in commands that the user can copy.</summary>
internal static class ShellText
{
    // PowerShell also accepts typographic quotation marks.
    private static readonly Regex PowerShellQuotes = new(
        "['\u2018\u2019\u201A\u201B]", RegexOptions.NonBacktracking);

    /// <summary>Quotes an argument if a shell would change or split it.</summary>
    /// <remarks>On Windows, in the syntax of PowerShell; otherwise, in that of a Unix shell.</remarks>
    public static string Quote(string argument)
    {
        return argument.Length > 0 && argument.All(IsLiteral) ? argument : QuoteAlways(argument);
    }

    /// <summary>Quotes any argument, as an expression in PowerShell requires.</summary>
    public static string QuoteAlways(string argument) => OperatingSystem.IsWindows()
        ? $"'{PowerShellQuotes.Replace(argument, "$0$0")}'"
        : $"'{argument.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private static bool IsLiteral(char c) =>
        char.IsAsciiLetterOrDigit(c)
        || c is '/' or '.' or '-' or '_' or '+' or ':'
        || c == (OperatingSystem.IsWindows() ? '\\' : '@');
}
