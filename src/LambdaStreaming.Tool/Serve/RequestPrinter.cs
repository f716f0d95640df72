using System.Globalization;
using LambdaStreaming.Testing;
using Spectre.Console;

namespace LambdaStreaming.Tool.Serve;

/// <summary>Prints the log of <c>serve</c>: start and end of each request, and the output of functions.</summary>
internal sealed class RequestPrinter(ToolConsole console, TimeProvider timeProvider, CancellationToken stopping)
{
    private readonly object _gate = new();
    private volatile bool _isServing;

    public async Task PrintAsync(LocalLambdaServer server)
    {
        _isServing = true;
        while (true)
        {
            var request = await server.WaitForRequestAsync(stopping);
            var attempt = request.Attempt > 1
                ? string.Create(CultureInfo.InvariantCulture, $", attempt {request.Attempt}")
                : "";
            var size = ByteCount.Format(request.Payload.Length);
            Print(Color.Grey, $"-> {GetName(request)}{attempt}, {size}, {request.RequestId}");
            _ = PrintEndAsync(request);
        }
    }

    /// <summary>Prints a line that a function wrote to its output or error stream.</summary>
    /// <remarks>Before the server has started, the lines are those of <c>dotnet build</c>, printed unchanged.</remarks>
    public void PrintOutput(string function, string line)
    {
        if (_isServing)
            Print(Color.Grey, $"   {function} | {line}");
        else
            console.Error.WriteLine(ExternalText.ToLine(line));
    }

    private async Task PrintEndAsync(ReceivedRequest request)
    {
        await request.Completed.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var duration = Duration.Format(timeProvider.GetUtcNow() - request.ReceivedAt);
        var status = request.StatusCode is { } code ? code.ToString(CultureInfo.InvariantCulture) : "no response";
        var size = ByteCount.Format(request.BytesSent);
        var (color, result) = request switch
        {
            { ErrorCode: { } error } => (Color.Yellow, $"{status} {error}"),
            { FunctionErrorCode: { } error } => (Color.Yellow, $"{status}, function error {error}, {size} on the wire"),
            { ClientDisconnected.IsCompleted: true } => (Color.Yellow, $"{status}, client disconnected after {size}"),
            { StatusCode: >= 200 and < 300 } => (Color.Green, $"{status}, {size} on the wire"),
            _ => (Color.Yellow, status),
        };
        Print(color, $"<- {GetName(request)} {result}, {duration}, {request.RequestId}");
    }

    private void Print(Color color, string line)
    {
        var time = timeProvider.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        var text = $"{time} {ExternalText.ToLine(line)}";
        lock (_gate)
        {
            // The server aborts the remaining requests when it stops. They are not logged.
            if (stopping.IsCancellationRequested)
                return;
            if (console.UseColors)
                console.Ansi.Write(new Text(text + "\n", new Style(color)) { Overflow = Overflow.Fold });
            else
                console.Error.WriteLine(text);
        }
    }

    private static string GetName(ReceivedRequest request)
    {
        if (request.FunctionName is not { } name)
            return $"{request.Method} {request.Target}";
        var qualifier = request.Qualifier is { } value ? ":" + value : "";
        return name + qualifier + (request.Operation == LambdaOperation.Invoke ? " (Invoke)" : "");
    }
}
