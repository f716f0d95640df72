using System.Globalization;
using LambdaStreaming.Testing.Faults;

namespace LambdaStreaming.Testing.Functions;

/// <summary>One run of a function.</summary>
/// <remarks>
/// A timer starts when this object is created. It covers the delay before the function starts, and then the timeout of
/// the function. Before a run ends early, the token of the function is cancelled. Its callbacks run on another thread,
/// because they are code of the function. That code might never return, for example in a loop that ignores exceptions.
/// </remarks>
internal sealed class FunctionRun : IDisposable
{
    private readonly LocalLambdaServerOptions _options;
    private readonly LocalFunction _function;
    private readonly FunctionHandler _handler;
    private readonly CancellationToken _aborted;
    private readonly CancellationTokenSource _timeout;
    private readonly CancellationTokenSource _cancellation;
#pragma warning disable CA2213 // It has nothing to dispose, and its callbacks can run after the end of this object.
    private readonly CancellationTokenSource _functionCancellation = new();
#pragma warning restore CA2213
    private readonly TaskCompletionSource _stopped = new();

    public FunctionRun(
        LocalLambdaServerOptions options,
        LocalFunction function,
        FunctionHandler handler,
        FunctionInvocation invocation,
        TimeSpan delay,
        CancellationToken aborted)
    {
        _options = options;
        _function = function;
        _handler = handler;
        _aborted = aborted;
        Invocation = invocation;
        _timeout = new(function.GetTimeLimit(delay), options.TimeProvider);
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(aborted, _timeout.Token);
        _cancellation.Token.UnsafeRegister(static run => ((FunctionRun)run!).Stop(), this);
    }

    public FunctionInvocation Invocation { get; }

    public void Dispose()
    {
        _cancellation.Dispose();
        _timeout.Dispose();
    }

    /// <summary>Runs the function until its end or its timeout, and completes the response.</summary>
    /// <exception cref="OperationCanceledException">The client disconnected, or the server stops.</exception>
    public async Task RunAsync(IResponseBody body, InjectedFaults faults, ReceivedRequest request)
    {
        var output = new FunctionOutput(
            body, faults, request, _options.TimeProvider, _cancellation, _functionCancellation, _aborted);
        var functionTask = Task.CompletedTask;
        try
        {
            functionTask = _handler(Invocation, new FunctionResponse(output), _functionCancellation.Token);
            await Task.WhenAny(functionTask, _stopped.Task).ConfigureAwait(false);
            _cancellation.Token.ThrowIfCancellationRequested();
            await functionTask.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_cancellation.IsCancellationRequested)
        {
            _aborted.ThrowIfCancellationRequested();
            if (_timeout.IsCancellationRequested)
            {
                Invocation.Completion = Task.CompletedTask;
                output.Fail("Sandbox.Timedout", GetTimeoutMessage());
            }
        }
#pragma warning disable CA1031 // As on AWS, every exception of a function is an error of the function.
        catch (Exception exception)
        {
            _aborted.ThrowIfCancellationRequested();
            output.Fail(FunctionError.FromException(exception));
        }
#pragma warning restore CA1031
        finally
        {
            IgnoreUnobservedException(functionTask);
        }

        await output.CompleteAsync().ConfigureAwait(false);
    }

    /// <summary>Observes the exception of an abandoned task, such as a function that ignores its token.</summary>
    public static void IgnoreUnobservedException(Task task) => _ = task.ContinueWith(
        static faulted => _ = faulted.Exception,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);

    private void Stop()
    {
        IgnoreUnobservedException(_functionCancellation.CancelAsync());
        _stopped.SetResult();
    }

    // Source: responses of the live service to Invoke, recorded by localstack/localstack on 25 November 2025
    // (tests/aws/services/lambda_/test_lambda.snapshot.json).
    private string GetTimeoutMessage() => string.Create(
        CultureInfo.InvariantCulture,
        $"RequestId: {Invocation.RequestId} Error: Task timed out after {_function.Timeout.TotalSeconds:F2} seconds");
}
