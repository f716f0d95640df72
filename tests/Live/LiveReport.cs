using System.Text;

namespace LambdaStreaming.Live;

/// <summary>Collects what was assumed and what was seen, and writes both as a table.</summary>
public sealed class LiveReport : IDisposable
{
    private const string Differs = "**differs**";

    private readonly List<(string Result, string Topic, string Source, string Assumed, string Seen)> _rows = [];

    /// <summary>The folder of the report; unset if the check does not run.</summary>
    internal static string? Folder { get; } = Environment.GetEnvironmentVariable("LAMBDASTREAMING_LIVE_REPORT");

    public void Dispose()
    {
        if (Folder is null || _rows.Count == 0) return;
        var table = new StringBuilder("| result | topic | assumed in | assumed | seen |\n");
        table.Append("| --- | --- | --- | --- | --- |\n");
        foreach (var (result, topic, source, assumed, seen) in _rows.OrderBy(row => row.Result))
        {
            string[] cells = [result, topic, source, assumed, seen];
            table.Append("| ").AppendJoin(" | ", cells.Select(ToCell)).Append(" |\n");
        }

        var differences = _rows.Count(row => row.Result == Differs);
        table.Append($"\n{_rows.Count} observations, {differences} of them differ.\n");
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, "report.md"), table.ToString());
    }

    /// <summary>Adds a row.</summary>
    /// <param name="topic">What was observed.</param>
    /// <param name="source">Where the assumption is: a page or a type.</param>
    /// <param name="assumed">
    /// The assumption, with " or " between alternatives; <see langword="null"/> for an open question.
    /// </param>
    /// <param name="seen">What the service did.</param>
    internal void Add(string topic, string source, string? assumed, string? seen)
    {
        var text = WireRecorder.RemoveSecrets(seen ?? "none");
        var result = assumed is null ? "new" : assumed.Split(" or ").Contains(text) ? "as assumed" : Differs;
        _rows.Add((result, topic, source, assumed ?? "not known", text));
    }

    private static string ToCell(string text) =>
        text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal);
}
