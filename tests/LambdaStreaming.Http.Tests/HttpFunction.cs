using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Http.Tests;

/// <summary>A function that serves HTTP requests, in the style of a web framework.</summary>
internal delegate Task HttpFunction(
    HttpFunctionRequest request, HttpFunctionResponse response, CancellationToken cancellationToken);

/// <summary>The parts of a function URL event that such a function reads.</summary>
internal sealed class HttpFunctionRequest(JsonElement functionUrlEvent)
{
    public JsonElement Event { get; } = functionUrlEvent;

    public string Method => Event.GetProperty("requestContext").GetProperty("http").GetProperty("method").GetString()!;

    public string Path => Event.GetProperty("rawPath").GetString()!;

    public string Query => Event.GetProperty("rawQueryString").GetString()!;

    public string[] Cookies => Event.TryGetProperty("cookies", out var cookies)
        ? [.. cookies.EnumerateArray().Select(cookie => cookie.GetString()!)]
        : [];

    public byte[] Body => !Event.TryGetProperty("body", out var body) ? []
        : Event.GetProperty("isBase64Encoded").GetBoolean() ? body.GetBytesFromBase64()
        : Encoding.UTF8.GetBytes(body.GetString()!);

    public string Text => Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string? Header(string name) =>
        Event.GetProperty("headers").TryGetProperty(name, out var value) ? value.GetString() : null;
}

/// <summary>Writes the prelude with the first write, then one chunk for each write.</summary>
internal sealed class HttpFunctionResponse(FunctionResponse response)
{
    /// <summary>The chunks before the body: the JSON and the 8 NUL bytes.</summary>
    public const int PreludeChunks = 2;

    private bool _hasStarted;

    public int StatusCode { get; set; } = 200;

    public Dictionary<string, string> Headers { get; } = new() { ["Content-Type"] = "text/plain" };

    public List<string> Cookies { get; } = [];

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_hasStarted) return;
        _hasStarted = true;
        await response.WriteHttpPreludeAsync(StatusCode, Headers, Cookies, cancellationToken);
    }

    public async Task WriteAsync(string text, CancellationToken cancellationToken)
    {
        await StartAsync(cancellationToken);
        await response.WriteTextAsync(text, cancellationToken);
    }

    public Task WriteEventAsync(string data, CancellationToken cancellationToken) =>
        WriteAsync($"data: {data}\n\n", cancellationToken);

    /// <summary>Ends the response early, with a fault.</summary>
    public Task FailAsync(Fault fault, CancellationToken cancellationToken) => fault switch
    {
        Fault.Close => response.AbortAsync(TruncationMode.Close, cancellationToken),
        Fault.Reset => response.AbortAsync(TruncationMode.Reset, cancellationToken),
        Fault.EndOfBody => response.AbortAsync(TruncationMode.EndOfBody, cancellationToken),
        Fault.FunctionError => throw new InvalidOperationException("boom"),

        // The server injects the remaining faults: see WebFunction.Inject.
        _ => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken),
    };
}

/// <summary>The ways in which a response stops in the middle.</summary>
public enum Fault
{
    Close,
    Reset,
    EndOfBody,
    FunctionError,
    Idle,
    ServiceError,
    Corrupt,
}
