namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Comparison of every message with the reviewed file <c>messages.approved.md</c>.</summary>
public sealed class ApprovedMessagesTests
{
    private const string HowToAccept =
        "If the change is intended, run the tests once with LAMBDASTREAMING_WRITE_MESSAGES=1 and review the file.";

    public static IEnumerable<TheoryDataRow<string>> AreaNames =>
        MessageAreas.All.Select(area => new TheoryDataRow<string>(area.Name));

    [Theory, MemberData(nameof(AreaNames))]
    public async Task Messages_OfEachArea_EqualTheApprovedFile(string areaName)
    {
        var area = MessageAreas.All.Single(area => area.Name == areaName);
        List<MessageEntry> entries = [];
        foreach (var scenario in area.Scenarios) entries.Add(await scenario.ProvokeAsync());

        if (ApprovedFile.IsWritten) ApprovedFile.Write(areaName, entries);
        var approved = ApprovedFile.Read().GetValueOrDefault(areaName, []);

        var first = Enumerable.Range(0, Math.Max(entries.Count, approved.Count))
            .FirstOrDefault(index => entries.ElementAtOrDefault(index) != approved.ElementAtOrDefault(index), -1);
        if (first >= 0) Assert.Fail(Describe(approved.ElementAtOrDefault(first), entries.ElementAtOrDefault(first)));
    }

    [Fact]
    public void Scenarios_OfEachArea_HaveUniqueNames() => Assert.All(
        MessageAreas.All,
        area => Assert.Distinct(area.Scenarios.Select(scenario => scenario.Name)));

    [Fact]
    public void ApprovedFile_EveryEntry_HasAScenario()
    {
        var known = MessageAreas.All
            .SelectMany(area => area.Scenarios.Select(scenario => $"{area.Name}: {scenario.Name}"));
        var approved = ApprovedFile.Read()
            .SelectMany(area => area.Value.Select(entry => $"{area.Key}: {entry.Name}"));

        Assert.Empty(approved.Except(known, StringComparer.Ordinal));
    }

    private static string Describe(MessageEntry? approved, MessageEntry? actual) =>
        $"The first message that differs from messages.approved.md. Approved:\n{Show(approved)}\n"
        + $"Actual:\n{Show(actual)}\n{HowToAccept}";

    private static string Show(MessageEntry? entry) => entry is null ? "\n(no entry)\n" : ApprovedFile.Format(entry);
}
