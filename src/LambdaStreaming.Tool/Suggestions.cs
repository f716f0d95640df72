using System.CommandLine;
using System.CommandLine.Parsing;

namespace LambdaStreaming.Tool;

/// <summary>Names that the user might have meant, for commands and options that do not exist.</summary>
internal static class Suggestions
{
    /// <summary>Gets one sentence for each unknown token that resembles a command or an option.</summary>
    public static IEnumerable<string> Get(ParseResult parsed)
    {
        var names = GetNames(parsed.CommandResult);
        foreach (var token in parsed.UnmatchedTokens.Distinct(StringComparer.Ordinal))
        {
            if (Get(token, names) is { } suggestion)
                yield return suggestion;
        }
    }

    /// <summary>Gets a sentence for an unknown option of a command; null if nothing resembles it.</summary>
    public static string? Get(string token, CommandResult command) => Get(token, GetNames(command));

    private static string? Get(string token, IReadOnlyCollection<string> names)
    {
        var name = token.Split('=')[0];
        var similar = names.Where(candidate => IsSimilar(name, candidate)).Order(StringComparer.Ordinal).ToList();
        return similar.Count == 0 ? null : $"Did you mean {string.Join(" or ", similar)}?";
    }

    private static List<string> GetNames(CommandResult result)
    {
        var command = result.Command;
        List<string> names =
        [
            .. command.Subcommands.Select(subcommand => subcommand.Name),
            .. command.Options.Where(option => !option.Hidden).Select(option => option.Name),
        ];
        for (var parent = result.Parent as CommandResult; parent is not null; parent = parent.Parent as CommandResult)
            names.AddRange(parent.Command.Options.Where(option => option.Recursive).Select(option => option.Name));
        return names;
    }

    // A third of the characters can be wrong. The beginning of a longer name is similar, too.
    private static bool IsSimilar(string token, string name)
    {
        if (token.Length < 3)
            return false;
        var isLong = token.TrimStart('-').Length >= 3;
        var isBeginning = isLong && name.StartsWith(token, StringComparison.OrdinalIgnoreCase);
        return isBeginning || GetDistance(token, name) <= Math.Max(1, name.TrimStart('-').Length / 3);
    }

    // Levenshtein distance, in which letter case does not count.
    private static int GetDistance(string left, string right)
    {
        var distances = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = distances[0];
            distances[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var isEqual = char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]);
                var replaced = diagonal + (isEqual ? 0 : 1);
                diagonal = distances[j];
                distances[j] = Math.Min(replaced, Math.Min(distances[j], distances[j - 1]) + 1);
            }
        }

        return distances[^1];
    }
}
