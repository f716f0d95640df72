using LambdaStreaming.ResponseStream;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>The enumerator that can be disposed at any time, with a fake iterator and a fake source.</summary>
public sealed class GuardedEnumeratorTests : IAsyncDisposable
{
    private const string Element = "element", End = "end", Failure = "failure";

    private readonly FakeSource _source = new();
    private readonly FakeIterator _iterator = new();
    private readonly GuardedEnumerator<string> _enumerator;

    public GuardedEnumeratorTests() => _enumerator = new GuardedEnumerator<string>(_iterator, _source);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _enumerator.DisposeAsync();

    [Fact]
    public async Task DisposeAsync_BeforeTheFirstMove_DisposesSourceAndIterator()
    {
        await _enumerator.DisposeAsync();
        await _enumerator.DisposeAsync();

        Assert.Equal((1, 1), (_source.Disposals, _iterator.Disposals));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _enumerator.MoveNextAsync().AsTask());
    }

    // The move disposes the iterator. Until then, another move is an error; afterwards, it repeats the outcome.
    [Theory, InlineData(Element), InlineData(End), InlineData(Failure)]
    public async Task DisposeAsync_DuringAMove_MoveDisposesTheIteratorOnce(string outcome)
    {
        // Without options: the move continues in SetResult, up to what it waits for.
        var result = new TaskCompletionSource<bool>();
        _iterator.Move = () => new ValueTask<bool>(result.Task);
        var context = new RecordingContext();
        var move = context.Run(() => _enumerator.MoveNextAsync().AsTask());

        await _enumerator.DisposeAsync();
        Assert.Equal((1, 0), (_source.Disposals, _iterator.Disposals));
        var disposal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _iterator.Disposal = disposal.Task;
        if (outcome == Failure) result.SetException(new TimeZoneNotFoundException());
        else result.SetResult(outcome == Element);
        Assert.Equal((1, false), (_iterator.Disposals, move.IsCompleted));
        disposal.SetResult();

        await AssertOutcomeAsync(outcome, move.WaitAsync(TooLong, Ct));
        await AssertOutcomeAsync(outcome, _enumerator.MoveNextAsync().AsTask());
        await _enumerator.DisposeAsync();
        Assert.Equal((1, 1, 0), (_source.Disposals, _iterator.Disposals, context.Posts));
    }

    [Theory, InlineData(Element), InlineData(End), InlineData(Failure)]
    public async Task DisposeAsync_DuringAMoveThatCompletesAtOnce_MoveDisposesTheIteratorOnce(string outcome)
    {
        _iterator.Move = () =>
        {
            Assert.True(_enumerator.DisposeAsync().AsTask().IsCompletedSuccessfully);
            return outcome == Failure
                ? ValueTask.FromException<bool>(new TimeZoneNotFoundException())
                : new ValueTask<bool>(outcome == Element);
        };

        await AssertOutcomeAsync(outcome, _enumerator.MoveNextAsync().AsTask());

        await AssertOutcomeAsync(outcome, _enumerator.MoveNextAsync().AsTask());
        Assert.Equal((1, 1), (_source.Disposals, _iterator.Disposals));
    }

    [Fact]
    public async Task MoveNextAsync_AfterAFailure_ThrowsItAndNotTheReasonOfTheAbort()
    {
        var failure = new TimeZoneNotFoundException();
        _iterator.Move = () => ValueTask.FromException<bool>(failure);
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => _enumerator.MoveNextAsync().AsTask());
        _source.IsAborted = true;

        Assert.Same(failure, await Record.ExceptionAsync(() => _enumerator.MoveNextAsync().AsTask()));
    }

    [Fact]
    public async Task MoveNextAsync_SourceWasAborted_ThrowsItsReasonWithoutAMove()
    {
        _iterator.Move = () => throw new TimeZoneNotFoundException();
        _source.IsAborted = true;

        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => _enumerator.MoveNextAsync().AsTask());
    }

    [Fact]
    public async Task Current_AfterTheEnd_IsTheDefault()
    {
        _iterator.Move = () => new ValueTask<bool>(true);
        Assert.True(await _enumerator.MoveNextAsync());
        Assert.Equal(FakeIterator.Value, _enumerator.Current);

        _iterator.Move = () => new ValueTask<bool>(false);
        Assert.False(await _enumerator.MoveNextAsync());

        Assert.Null(_enumerator.Current);
    }

    private static async Task AssertOutcomeAsync(string outcome, Task<bool> move)
    {
        switch (outcome)
        {
            case Element:
                await Assert.ThrowsAsync<ObjectDisposedException>(() => move);
                break;
            case End:
                Assert.False(await move);
                break;
            default:
                await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => move);
                break;
        }
    }

    private sealed class FakeIterator : IAsyncEnumerator<string>
    {
        public const string Value = "a";

        public Func<ValueTask<bool>> Move { get; set; } = () => new ValueTask<bool>(true);

        public int Disposals { get; private set; }

        /// <summary>What the disposal waits for.</summary>
        public Task Disposal { get; set; } = Task.CompletedTask;

        public string Current => Value;

        public ValueTask<bool> MoveNextAsync() => Move();

        public ValueTask DisposeAsync()
        {
            Disposals++;
            return new ValueTask(Disposal);
        }
    }

    private sealed class FakeSource : IAbortable
    {
        public int Disposals { get; private set; }

        public bool IsAborted { get; set; }

        public ValueTask<bool> ThrowIfAbortedAsync() =>
            ValueTask.FromException<bool>(new InvalidTimeZoneException());

        public void Dispose() => Disposals++;
    }
}
