namespace LambdaStreaming.AspNetCore.Tests.BrowserClients;

/// <summary>A client of tests/browser/clients.jsx and what happens to the response that it shows.</summary>
internal sealed record Case(string Client, string Name, ClientProtocol Protocol)
{
    private static readonly string[] Clients = ["useChat", "runAgent", "EventSource", "fetch"];

    public static IReadOnlyList<Case> All { get; } =
    [
        .. GetEnding(),
        .. GetEndingLater(),
        .. GetAll("endless"),
        .. GetAll("closed"),
        .. GetAll("idle-30"),
        .. GetAll("idle-60"),
        .. GetAll("idle-30-off"),
        .. GetAll("idle-60-off"),
    ];

    public string Function => $"{Client}-{Name}";

    public string Path => $"/{Client}/{Name}";

    public bool IsIdle => Name.StartsWith("idle", StringComparison.Ordinal);

    /// <summary>Whether the endpoint sends no keep-alive, and therefore no headers before the first byte.</summary>
    public bool IsWithoutKeepAlive => Name.EndsWith("-off", StringComparison.Ordinal);

    /// <summary>Returns the cases that end without an action of the page or of a proxy.</summary>
    public static IEnumerable<Case> GetEnding() =>
    [
        .. GetAll("complete"),
        .. GetAll("truncated"),
        .. GetAll("body-ended"),
        .. GetAll("failed-before"),
        .. GetAll("failed"),
        .. GetAll("throttled"),
        .. GetAll("failed-before-off"),
        .. GetAll("throttled-off"),
    ];

    /// <summary>Returns the cases that end when the server ends the response after a failure.</summary>
    public static IEnumerable<Case> GetEndingLater() =>
    [
        Create("useChat", "failed-default"),
        Create("runAgent", "failed-default"),
        Create("ReconnectingEventSource", "truncated-once"),
    ];

    public static IEnumerable<Case> GetAll(string name) => Clients.Select(client => Create(client, name));

    public static Case Create(string client, string name) => new(client, name, client switch
    {
        "useChat" => ClientProtocol.UiMessageStream,
        "runAgent" => ClientProtocol.AgUi,
        // Comments keep only server-sent events alive.
        "fetch" when !name.StartsWith("idle", StringComparison.Ordinal) => ClientProtocol.Text,
        _ => ClientProtocol.ServerSentEvents,
    });
}
