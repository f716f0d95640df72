using Jint;
using Jint.Native;
using LambdaStreaming.Tests.Payload;

namespace LambdaStreaming.Tests.OtherProjects;

/// <summary>The tests of web-platform-tests for the format of server-sent events.</summary>
/// <remarks>
/// The original files are executed. Their EventSource is <see cref="EventSourceScript"/>, whose events are those of
/// ReadServerSentEventsAsync. The suite's other files test browser behavior: URLs, CORS, redirects, workers.
/// </remarks>
public class WptEventSourceTests
{
    // The suite's tests need at most three connections.
    private const int MaxConnections = 5;

    private static readonly UpstreamSuite Suite = new(
        "wpt",
        "wpt/eventsource",
        location => Directory.GetFiles(location, "*.js")
            .Select(file => Path.GetFileName(file))
            .Where(file => file.StartsWith("format-", StringComparison.Ordinal) || file == "event-data.any.js"));

    public static IEnumerable<TheoryDataRow<string>> Cases => Suite.Cases;

    [Theory, MemberData(nameof(Cases))]
    public Task ReadServerSentEventsAsync_SuiteTest_Passes(string name) => Suite.CheckAsync(name, async () =>
    {
        var script = await File.ReadAllTextAsync(Path.Combine(Suite.Location, name));
        await RunAsync(script, payload => [payload]);
        await RunAsync(script, payload => [.. payload.Select(value => new[] { value })]);
    });

    [Fact]
    public void Differences_AllEntries_AreCasesOfTheSuite() => Suite.AssertDifferencesAreCases();

    private static async Task RunAsync(string script, Func<byte[], byte[][]> split)
    {
        using var engine = new Engine();
        engine.Execute(EventSourceScript.Text).Execute(script);
        for (var connection = 0; connection < MaxConnections; connection++)
        {
            foreach (var source in engine.Evaluate("sources").AsArray()) await ConnectAsync(engine, source, split);
        }

        // The failure of each test. A file can have several tests.
        var failures = engine.Evaluate("tests.map(test => test.failure ?? (test.isDone ? '' : 'not done'))").AsArray();
        Assert.NotEmpty(failures);
        Assert.All(failures, failure => Assert.Equal("", failure.AsString()));
    }

    private static async Task ConnectAsync(Engine engine, JsValue source, Func<byte[], byte[][]> split)
    {
        if (source.Get("readyState").AsNumber() is 2) return;
        engine.Invoke(source.Get("open"), source, []);
        var payload = WptServer.Respond(source.Get("url").AsString(), source.Get("lastEventId").AsString());
        await using var response = Fragmented.Response(split(payload));
        await foreach (var item in response.ReadServerSentEventsAsync())
        {
            engine.Invoke(
                source.Get("receive"),
                source,
                [item.EventType, item.Data, item.EventId, item.ReconnectionInterval?.TotalMilliseconds]);
        }

        engine.Invoke(source.Get("reconnect"), source, []);
    }
}
