using System.Runtime.CompilerServices;
using LambdaStreaming.Soak;

namespace LambdaStreaming.Tests.Faults;

/// <summary>A sample of the fault matrix. <c>tests/LambdaStreaming.Soak faults</c> runs all of it.</summary>
[Collection(NonParallelCollection.Name)]
public class FaultMatrixTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private const int ResponseBytes = 3000;

    // Every eleventh case is tested. 11 has no common divisor with the 3 faults of each byte or with its 8 bits, so the
    // sample has all of them.
    private const int Stride = 11;

    [Fact]
    public async Task EveryFault_Sampled_GivesTheCompleteResponseOrTheExpectedException()
    {
        await using var matrix = new FaultMatrix(RecordedResponse.Create(ResponseBytes));
        var sample = matrix.Cases().Where((_, index) => index % Stride == 0).ToList();

        var failures = await matrix.RunAsync(sample, Ct);

        Assert.True(sample.Count > 3000);
        Assert.Empty(failures);
    }

    [Fact]
    public async Task EveryFault_ReaderHidesTruncation_IsReportedByTheMatrix()
    {
        await using var matrix = new FaultMatrix(RecordedResponse.Create(ResponseBytes), HideTruncationAsync);
        var truncations = matrix.Cases()
            .Where(test => test.Fault is Fault.Fin or Fault.EndOfBody)
            .Where((_, index) => index % 100 == 0)
            .ToList();

        var failures = await matrix.RunAsync(truncations, Ct);

        Assert.Contains(failures, complaint => complaint.Contains("UNREPORTED", StringComparison.Ordinal));
        Assert.True(failures.Count > truncations.Count / 2);
    }

    // An intentional defect: a truncated response ends normally, as it does in the official SDKs.
    private static async IAsyncEnumerable<ResponseStreamEvent> HideTruncationAsync(
        InvokeWithResponseStreamResponse response)
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
