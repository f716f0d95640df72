using System.Text;
using System.Text.RegularExpressions;
using LambdaStreaming.Docs.Tests;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>The file <c>messages.approved.md</c>, which has a section per area and an entry per scenario.</summary>
internal static partial class ApprovedFile
{
    private const string FileName = "messages.approved.md";

    private const string Introduction =
        """
        # Messages

        All messages of LambdaStreaming.Client, for review as prose. `ApprovedMessagesTests` provokes each of them and
        compares it with this file. Do not edit it: change the code, then run the tests once with the environment variable
        `LAMBDASTREAMING_WRITE_MESSAGES=1`, which rewrites the file, and review the difference.
        """;

    public static string FilePath { get; } =
        Path.Combine(Repository.Root, "tests", "LambdaStreaming.Client.Tests", "Messages", FileName);

    /// <summary>True if the tests write the file instead of comparing with it.</summary>
    public static bool IsWritten { get; } = Environment.GetEnvironmentVariable("LAMBDASTREAMING_WRITE_MESSAGES") == "1";

    /// <summary>Replaces the parts that vary from run to run.</summary>
    public static string Normalize(string text) =>
        LoopbackPort().Replace(text.ReplaceLineEndings("\n"), "127.0.0.1:{port}");

    /// <summary>Returns the entries by area.</summary>
    public static Dictionary<string, List<MessageEntry>> Read()
    {
        var areas = new Dictionary<string, List<MessageEntry>>(StringComparer.Ordinal);
        if (!File.Exists(FilePath)) return areas;
        List<MessageEntry> entries = [];
        foreach (var line in File.ReadAllLines(FilePath))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal)) entries = areas[line[3..]] = [];
            else if (line.StartsWith("### ", StringComparison.Ordinal)) entries.Add(new(line[4..], "", ""));
            else if (entries.Count > 0) entries[^1] = Extend(entries[^1], line);
        }

        return areas;
    }

    /// <summary>Replaces the section of one area. Sections that belong to no area are removed.</summary>
    public static void Write(string area, List<MessageEntry> entries)
    {
        var areas = Read();
        areas[area] = entries;
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n")).Append('\n');
        foreach (var name in MessageAreas.All.Select(known => known.Name).Where(areas.ContainsKey))
        {
            text.Append("\n## ").Append(name).Append('\n');
            foreach (var entry in areas[name]) text.Append(Format(entry));
        }

        File.WriteAllText(FilePath, text.ToString());
    }

    /// <summary>Formats an entry as in the file.</summary>
    public static string Format(MessageEntry entry) =>
        $"\n### {entry.Name}\n\n`{entry.Type}`\n\n> {entry.Text.Replace("\n", "\n> ", StringComparison.Ordinal)}\n";

    private static MessageEntry Extend(MessageEntry entry, string line)
    {
        if (line.StartsWith('`')) return entry with { Type = line.Trim('`') };
        if (!line.StartsWith("> ", StringComparison.Ordinal)) return entry;
        return entry with { Text = entry.Text.Length == 0 ? line[2..] : $"{entry.Text}\n{line[2..]}" };
    }

    [GeneratedRegex(@"127\.0\.0\.1:[0-9]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LoopbackPort();
}
