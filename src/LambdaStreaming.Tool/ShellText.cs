namespace LambdaStreaming.Tool;

/// <summary>Writes arguments in commands that the user can copy.</summary>
internal static class ShellText
{
    /// <summary>Quotes an argument if a shell would change or split it.</summary>
    /// <remarks>On Windows, in the syntax of PowerShell; otherwise, in that of a Unix shell.</remarks>
    public static string Quote(string argument) => argument.Length > 0 && argument.All(IsLiteral)
        ? argument
        : $"'{argument.Replace("'", OperatingSystem.IsWindows() ? "''" : @"'\''", StringComparison.Ordinal)}'";

    private static bool IsLiteral(char c) =>
        char.IsAsciiLetterOrDigit(c)
        || c is '/' or '.' or '-' or '_' or '+' or ':'
        || (c == '\\' && OperatingSystem.IsWindows());
}
