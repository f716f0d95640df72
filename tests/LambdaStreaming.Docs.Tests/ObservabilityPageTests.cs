using System.Globalization;
using System.Reflection;
using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Docs.Tests;

/// <summary>docs/observability.md says what the code says.</summary>
public class ObservabilityPageTests
{
    private static readonly string Page = Repository.Read("docs", "observability.md");

    [Fact]
    public void Page_TableOfLogs_IsThatOfTheCode()
    {
        var messages = typeof(Log).GetMethods(BindingFlags.Public | BindingFlags.Static).Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>().OrderBy(message => message.EventId).ToList();
        var rows = messages.Select(message => $"| {message.EventId.ToString(CultureInfo.InvariantCulture)} | {message.Level} | {message.Message} |");

        Assert.Equal(messages.Count, messages.Select(message => message.EventId).Distinct().Count());
        Assert.Contains("| id | level | message |\n| --- | --- | --- |\n" + string.Join('\n', rows) + "\n\n", Page, StringComparison.Ordinal);
    }

    [Fact]
    public void Page_TableOfMetrics_IsThatOfTheCode()
    {
        var instruments = typeof(Telemetry).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => field.GetValue(null)).OfType<System.Diagnostics.Metrics.Instrument>();
        var rows = instruments.Select(instrument => $"| `{instrument.Name}` | {instrument.GetType().Name.Split('`')[0]} | {instrument.Unit} | {instrument.Description} |");

        Assert.Contains("| metric | kind | unit | what |\n| --- | --- | --- | --- |\n" + string.Join('\n', rows) + "\n\n", Page, StringComparison.Ordinal);
    }

    [Fact]
    public void Page_NamesEveryOutcome()
    {
        Exception[] ends = [new OperationCanceledException(), new LambdaTransportException(""), new LambdaConfigurationException(""), new TooManyRequestsException(""), new ResponseStreamTruncatedException(""), new ResponseStreamIdleTimeoutException(""), new InvalidOperationException()];

        Assert.All([.. ends.Select(end => CallOutcome.FromException(end).Name), CallOutcome.Completed.Name, CallOutcome.Abandoned.Name, CallOutcome.FunctionError.Name, "corrupt", "stream_error"], name => Assert.Contains($"| `{name}` |", Page, StringComparison.Ordinal));
    }
}
