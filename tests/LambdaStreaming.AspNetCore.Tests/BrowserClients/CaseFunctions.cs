using LambdaStreaming.Testing;

namespace LambdaStreaming.AspNetCore.Tests.BrowserClients;

/// <summary>The functions of all cases.</summary>
internal sealed class CaseFunctions
{
    private int _idleCount;

    /// <summary>End the idle time before the first byte, and the idle time within the response.</summary>
    public TaskCompletionSource[] Gates { get; } =
    [
        new(TaskCreationOptions.RunContinuationsAsynchronously),
        new(TaskCreationOptions.RunContinuationsAsynchronously),
    ];

    /// <summary>How many idle functions run.</summary>
    public int IdleCount => Volatile.Read(ref _idleCount);

    public void Add(LocalLambdaServerOptions server)
    {
        foreach (var test in Case.All)
        {
            var calls = 0;
            var function = server.AddFunction(
                test.Function,
                (_, response, ct) => RespondAsync(test, Interlocked.Increment(ref calls), response, ct));
            if (test.Name.StartsWith("throttled", StringComparison.Ordinal)) function.OnEveryCall().Throttle();
        }
    }

    private async Task RespondAsync(
        Case test,
        int call,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        if (test.IsIdle) Interlocked.Increment(ref _idleCount);
        if (test.IsIdle && !test.IsWithoutKeepAlive) await Gates[0].Task.WaitAsync(cancellationToken);
        if (test.Name.StartsWith("failed-before", StringComparison.Ordinal))
        {
            response.Fail("Unhandled", "planned");
            return;
        }

        await response.WriteTextAsync(test.Protocol.Begin, cancellationToken);
        switch (test.Name)
        {
            case "truncated":
            case "truncated-once" when call == 1:
                await response.AbortAsync(TruncationMode.Reset, cancellationToken);
                break;
            case "body-ended":
                await response.AbortAsync(TruncationMode.EndOfBody, cancellationToken);
                break;
            case "failed" or "failed-default":
                response.Fail("Unhandled", "planned");
                return;
            case "endless" or "closed":
            case { } when test.IsIdle && test.IsWithoutKeepAlive:
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                break;
            case { } when test.IsIdle:
                await Gates[1].Task.WaitAsync(cancellationToken);
                break;
            default:
                break;
        }

        await response.WriteTextAsync(test.Protocol.End, cancellationToken);
    }
}
