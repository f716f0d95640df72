using System.Globalization;
using LambdaStreaming.Testing;
using Spectre.Console;

namespace LambdaStreaming.Tool.Serve;

/// <summary>The live log of <c>serve</c>: a line when a request has come, one when it has ended, and what functions print.</summary>
internal sealed class RequestPrinter(ToolConsole console, TimeProvider timeProvider, CancellationToken stopping)
{
    private readonly object _gate = new();

    public async Task PrintAsync(LocalLambdaServer server)
    {
        while (true)
        {
            var request = await server.WaitForRequestAsync(stopping);
            var attempt = request.Attempt > 1 ? string.Create(CultureInfo.InvariantCulture, $", attempt {request.Attempt}") : "";
            Print(Color.Grey, $"-> {GetName(request)}{attempt}, {ByteCount.Show(request.Payload.Length)}, {request.RequestId}");
            _ = PrintEndAsync(request);
        }
    }

    /// <summary>A line that a function wrote to its output or error stream.</summary>
    public void PrintOutput(string function, string line) => Print(Color.Grey, $"   {function} | {line}");

    private async Task PrintEndAsync(ReceivedRequest request)
    {
        await request.Completed.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var time = Duration.Show(timeProvider.GetUtcNow() - request.ReceivedAt);
        var status = request.StatusCode is { } code ? code.ToString(CultureInfo.InvariantCulture) : "no answer";
        var (colour, end) = request switch
        {
            { ErrorCode: { } error } => (Color.Yellow, $"{status} {error}"),
            { ClientDisconnected.IsCompleted: true } => (Color.Yellow, $"{status}, the client left after {ByteCount.Show(request.BytesSent)}"),
            { StatusCode: >= 200 and < 300 } => (Color.Green, $"{status}, {ByteCount.Show(request.BytesSent)} on the wire"),
            _ => (Color.Yellow, status),
        };
        Print(colour, $"<- {GetName(request)} {end}, {time}, {request.RequestId}");
    }

    private void Print(Color colour, string line)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{timeProvider.GetLocalNow():HH:mm:ss.fff} {ExternalText.ToLine(line)}");
        lock (_gate)
        {
            // What ends because the server does is no news.
            if (stopping.IsCancellationRequested) return;
            if (console.Colours) console.Ansi.Write(new Text(text + "\n", new Style(colour)) { Overflow = Overflow.Fold });
            else console.Error.WriteLine(text);
        }
    }

    private static string GetName(ReceivedRequest request) => request.Qualifier is { } qualifier ? $"{request.FunctionName}:{qualifier}" : request.FunctionName ?? $"{request.Method} {request.Target}";
}
