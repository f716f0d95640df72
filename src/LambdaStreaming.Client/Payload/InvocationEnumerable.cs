using System.Diagnostics.CodeAnalysis;
using LambdaStreaming.Configuration;
using LambdaStreaming.Errors;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Payload;

/// <summary>The result of the client's extension methods that return an <c>IAsyncEnumerable</c>.</summary>
/// <remarks>Each enumeration is an invocation. The first <c>MoveNextAsync</c> starts it.</remarks>
internal sealed class InvocationEnumerable<T>(
    ILambdaStreamingClient client,
    InvokeWithResponseStreamRequest request,
    Func<InvokeWithResponseStreamResponse, CancellationToken, IAsyncEnumerable<T>> read,
    CancellationToken cancellationToken) : IAsyncEnumerable<T>
{
    [SuppressMessage("Reliability", "CA2000", Justification = "The enumerator disposes the invocation.")]
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken enumeratorToken = default)
    {
        var invocation = new Invocation(cancellationToken, enumeratorToken);
        return new GuardedEnumerator<T>(ReadAsync(invocation), invocation);
    }

    private async IAsyncEnumerator<T> ReadAsync(Invocation invocation)
    {
        using var response = await invocation.StartAsync(client, request).ConfigureAwait(false);
        var items = read(response, cancellationToken).WithCancellation(invocation.EnumeratorToken);
        await foreach (var item in items.ConfigureAwait(false)) yield return item;
    }

    /// <summary>One enumeration.</summary>
    /// <remarks>Disposal of the enumerator cancels the pending call, or disposes the response of the call.</remarks>
    private sealed class Invocation(CancellationToken callToken, CancellationToken enumeratorToken) : IAbortable
    {
        private readonly CancellationTokenSource _disposal = new();
        private InvokeWithResponseStreamResponse? _response;

        public CancellationToken EnumeratorToken => enumeratorToken;

        /// <summary>
        /// Always false, because the enumerator of the response is guarded too and reports the abort.
        /// </summary>
        public bool IsAborted => false;

        public ValueTask<bool> ThrowIfAbortedAsync() => default;

        public async Task<InvokeWithResponseStreamResponse> StartAsync(
            ILambdaStreamingClient client,
            InvokeWithResponseStreamRequest request)
        {
            using var linked = new TimeLimit(
                Timeout.InfiniteTimeSpan, TimeProvider.System, callToken, enumeratorToken, _disposal.Token);
            try
            {
                _response = await client.InvokeWithResponseStreamAsync(request, linked.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException exception) when (exception.CancellationToken == linked.Token)
            {
                throw Translate(exception);
            }

            // From here on, the reader observes the caller's tokens. If one of them was cancelled before, the response
            // knows only the linked token. If the enumerator was disposed before the assignment, Dispose did not see
            // the response.
            linked.Dispose();
            if (!linked.Token.IsCancellationRequested) return _response;
            await _response.DisposeAsync().ConfigureAwait(false);
            var details = new LambdaErrorDetails { FunctionName = request.FunctionName };
            throw Translate(ResponseStreamFailures.Cancelled(details, callToken));
        }

        public void Dispose()
        {
            CallerCode.Run(_disposal, static disposal => disposal.Cancel());
            Volatile.Read(ref _response)?.Dispose();
        }

        // Replaces the linked token, which the caller does not know, with the caller's own token.
        private Exception Translate(OperationCanceledException exception)
        {
            if (callToken.IsCancellationRequested) return WithToken(exception, callToken);
            if (enumeratorToken.IsCancellationRequested) return WithToken(exception, enumeratorToken);
            return new ObjectDisposedException(
                nameof(InvokeWithResponseStreamResponse),
                "The enumerator was disposed before the response was read to its end.");
        }

        // A mocked client might throw a plain OperationCanceledException, which has no FunctionMayHaveRun to keep.
        private static OperationCanceledException WithToken(
            OperationCanceledException exception,
            CancellationToken token) =>
            exception is InvocationCanceledException { FunctionMayHaveRun: var mayHaveRun }
                ? new InvocationCanceledException(exception.Message, mayHaveRun, exception.InnerException, token)
                : new OperationCanceledException(exception.Message, exception, token);
    }
}
