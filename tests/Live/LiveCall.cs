using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace LambdaStreaming.Live;

/// <summary>One call of a function of the stack, read to its end.</summary>
internal sealed class LiveCall
{
    private const string Variable = "LAMBDASTREAMING_LIVE_STACK";

    private readonly StringBuilder _text = new();
    private readonly List<TimeSpan> _times = [];
    private Dictionary<string, string> _headers = [];

    public string Text => _text.ToString();

    public InvokeWithResponseStreamResponse? Response { get; private set; }

    public Exception? Failure { get; private set; }

    /// <summary>The longest wait between two chunks.</summary>
    public TimeSpan LongestWait => _times.Zip(_times.Skip(1), (first, second) => second - first).Max();

    /// <summary>The messages of the response, if it was an event stream.</summary>
    public IReadOnlyList<(Dictionary<string, string> Headers, byte[] Payload)> Messages { get; private set; } = [];

    /// <summary>The types of the messages in their order; repetitions are shown once.</summary>
    public string Order
    {
        get
        {
            var types = Messages.Select(message => message.Headers.GetValueOrDefault(":event-type", "?")).ToList();
            return string.Join(", ", types.Where((type, index) => index == 0 || types[index - 1] != type));
        }
    }

    public string GetResponseHeader(string name) => _headers.GetValueOrDefault(name, "none");

    /// <summary>Calls the function <c>probe</c>.</summary>
    /// <param name="action">The name of an action in index.js.</param>
    /// <param name="test">The name of the file with the recorded wire.</param>
    public static Task<LiveCall> ProbeAsync(string action, [CallerMemberName] string test = "") =>
        InvokeAsync("probe", JsonSerializer.Serialize(new { action }), test: test);

    /// <summary>Calls a function of the stack. A failure is not thrown.</summary>
    public static async Task<LiveCall> InvokeAsync(
        string function,
        string payload = "{}",
        Func<InvokeWithResponseStreamRequest, InvokeWithResponseStreamRequest>? change = null,
        [CallerMemberName] string test = "")
    {
        var stack = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipWhen(string.IsNullOrEmpty(stack), "Calls functions of the live service: run tests/Live/check.");
        var call = new LiveCall();
        var request = new InvokeWithResponseStreamRequest($"{stack}-{function}")
        {
            Payload = Encoding.UTF8.GetBytes(payload),
            LogType = LogType.Tail,
            Retry = new LambdaRetryOptions { MaxAttempts = 1 },
        };
        var options = new LambdaStreamingClientOptions();
        using var wire = new WireRecorder(new SendOnceHandler(LambdaStreamingClient.CreateHandler(options)));
        using var http = new HttpClient(wire) { Timeout = Timeout.InfiniteTimeSpan };
        using var client = new LambdaStreamingClient(options, http);
        await call.RunAsync(client, change?.Invoke(request) ?? request);
        (call._headers, call.Messages) = (wire.ResponseHeaders, wire.GetMessages());
        if (LiveReport.Folder is not null) wire.Save(Path.Combine(LiveReport.Folder, "wire"), test);
        return call;
    }

    private async Task RunAsync(LambdaStreamingClient client, InvokeWithResponseStreamRequest request)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var watch = Stopwatch.StartNew();
        try
        {
            Response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
            await using var response = Response;
            await foreach (var chunk in response.ReadChunksAsync(cancellationToken))
            {
                _times.Add(watch.Elapsed);
                _text.Append(Encoding.UTF8.GetString(chunk.ToArray()));
            }
        }
        catch (LambdaStreamingException exception)
        {
            Failure = exception;
        }
    }
}
