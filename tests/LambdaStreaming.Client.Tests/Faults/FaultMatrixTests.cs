using System.Runtime.CompilerServices;
using LambdaStreaming.Soak;

namespace LambdaStreaming.Tests.Faults;

/// <summary>A sample of the fault matrix; the whole of it is <c>tests/LambdaStreaming.Soak faults</c>.</summary>
[Collection(AloneCollection.Name)]
public class FaultMatrixTests
{
    private const int ResponseBytes = 3000;

    // Every so many cases of all: a prime, so that over the kinds of fault and the bits of a byte the sample does not repeat itself.
    private const int Stride = 11;

    [Fact]
    public async Task EveryFault_Sampled_IsTheWholeAnswerOrTheRightException()
    {
        await using var matrix = new FaultMatrix(RecordedResponse.Create(ResponseBytes));
        var sample = matrix.Cases().Where((_, index) => index % Stride == 0).ToList();

        var wrong = await matrix.RunAsync(sample, TestContext.Current.CancellationToken);

        Assert.True(sample.Count > 3000);
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task EveryFault_ReaderThatEndsSilently_TurnsTheMatrixRed()
    {
        await using var matrix = new FaultMatrix(RecordedResponse.Create(ResponseBytes), EndEarly);
        var cuts = matrix.Cases().Where(test => test.Fault is Fault.Fin or Fault.EndOfBody).Where((_, index) => index % 100 == 0).ToList();

        var wrong = await matrix.RunAsync(cuts, TestContext.Current.CancellationToken);

        Assert.Contains(wrong, complaint => complaint.Contains("SILENT", StringComparison.Ordinal));
        Assert.True(wrong.Count > cuts.Count / 2);
    }

    // The planted fault: what the official SDKs do.
    private static async IAsyncEnumerable<ResponseStreamEvent> EndEarly(InvokeWithResponseStreamResponse response)
    {
        await using var events = response.GetAsyncEnumerator();
        while (true)
        {
            try
            {
                if (!await events.MoveNextAsync()) yield break;
            }
            catch (ResponseStreamTruncatedException)
            {
                yield break;
            }

            yield return events.Current;
        }
    }
}
