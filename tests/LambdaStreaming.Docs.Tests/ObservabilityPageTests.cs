using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Agreement of docs/observability.md with the code.</summary>
public class ObservabilityPageTests
{
    private static readonly string Page = Repository.Read("docs", "observability.md");

    [Fact]
    public void Page_TableOfLogs_EqualsTheCode()
    {
        var messages = typeof(Log).GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>()
            .OrderBy(message => message.EventId)
            .ToList();
        var rows = messages.Select(message =>
        {
            var id = message.EventId.ToString(CultureInfo.InvariantCulture);
            return $"| {id} | {message.Level} | {message.Message} |";
        });

        Assert.Equal(messages.Count, messages.Select(message => message.EventId).Distinct().Count());
        AssertTable("| id | level | message |\n| --- | --- | --- |", rows);
    }

    [Fact]
    public void Page_TableOfMetrics_EqualsTheCode()
    {
        var rows = typeof(Telemetry).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => field.GetValue(null))
            .OfType<Instrument>()
            .Select(instrument =>
            {
                var kind = instrument.GetType().Name.Split('`')[0];
                return $"| `{instrument.Name}` | {kind} | {instrument.Unit} | {instrument.Description} |";
            });

        AssertTable("| metric | kind | unit | what |\n| --- | --- | --- | --- |", rows);
    }

    [Fact]
    public void Page_TableOfOutcomes_HasEachOutcome()
    {
        Exception[] failures =
        [
            new OperationCanceledException(),
            new LambdaTransportException(""),
            new LambdaConfigurationException(""),
            new TooManyRequestsException(""),
            new ResponseStreamTruncatedException(""),
            new ResponseStreamIdleTimeoutException(""),
            new InvalidOperationException(),
        ];
        string[] names =
        [
            .. failures.Select(failure => CallOutcome.FromException(failure).Name),
            CallOutcome.Completed.Name,
            CallOutcome.Abandoned.Name,
            CallOutcome.FunctionError.Name,
            "corrupt",
            "stream_error",
        ];

        Assert.All(names, name => Assert.Contains($"| `{name}` |", Page, StringComparison.Ordinal));
    }

    private static void AssertTable(string header, IEnumerable<string> rows) =>
        Assert.Contains($"{header}\n{string.Join('\n', rows)}\n\n", Page, StringComparison.Ordinal);
}
