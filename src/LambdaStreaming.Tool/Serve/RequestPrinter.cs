using System.Globalization;
using LambdaStreaming.Errors;
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
        for (long printed = 0; ;)
        {
            var request = await server.WaitForRequestAsync(stopping);
            // Printing waits while the terminal is not read. Meanwhile, the server removes the oldest requests.
            if (request.Number - printed - 1 is > 0 and var skipped)
            {
                var requests = ExceptionMessages.Count(skipped, "request");
                Print(Color.Yellow, $"-- {requests} not shown: this output was too slow");
            }

            printed = request.Number;
            Print(Color.Grey, RequestText.FormatStart(request));
            _ = PrintEndAsync(request);
        }
    }

    /// <summary>Prints a line that a function wrote to its output or error stream.</summary>
    /// <remarks>Before the server has started, the lines are those of <c>dotnet build</c>, printed unchanged.</remarks>
    public void PrintOutput(string function, string line)
    {
        if (_isServing)
            Print(Color.Grey, $"   {function} | {ExternalText.ToLine(line)}");
        else
            console.Error.WriteLine(ExternalText.ToLine(line));
    }

    private async Task PrintEndAsync(ReceivedRequest request)
    {
        await request.Completed.WaitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var (text, isSuccess) = RequestText.FormatEnd(request, timeProvider.GetUtcNow() - request.ReceivedAt);
        Print(isSuccess ? Color.Green : Color.Yellow, text);
    }

    private void Print(Color color, string line)
    {
        var time = timeProvider.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        var text = $"{time} {line}";
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
}
