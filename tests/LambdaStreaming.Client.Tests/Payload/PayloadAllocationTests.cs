using System.Text;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Allocations of each reader beyond the elements that it returns.</summary>
/// <remarks>All bytes are buffered, so that no read waits and one thread does all the work.</remarks>
[Collection(nameof(PayloadAllocationTests))]
[CollectionDefinition(nameof(PayloadAllocationTests), DisableParallelization = true)]
public class PayloadAllocationTests
{
    private const int Few = 1_000;
    private const int Many = 11_000;

    // Tolerance per element. The tests measure the difference between a short and a long response, which excludes the
    // allocations per call. They also subtract the allocations of an enumeration of the same chunks without a reader.
    private const double SlackBytes = 1;

    [Fact]
    public async Task ReadTextAsync_SmallChunks_AllocatesOnlyItsStrings()
    {
        // Size of a string with 6 characters: object header 8, type 8, length 4, characters and terminator 14 bytes.
        // The sum is rounded up to a multiple of 8.
        const int StringBytes = 40;

        var perElement = await MeasureAsync("token "u8.ToArray(), async response =>
        {
            await foreach (var _ in response.ReadTextAsync())
            {
            }
        });

        Assert.True(perElement <= StringBytes + SlackBytes, $"{perElement} bytes per chunk.");
    }

    [Fact]
    public async Task ReadLinesAsync_SmallChunks_AllocatesOnlyItsStrings()
    {
        var perElement = await MeasureAsync("1234567\n"u8.ToArray(), async response =>
        {
            await foreach (var _ in response.ReadLinesAsync())
            {
            }
        });

        Assert.True(perElement <= 40 + SlackBytes, $"{perElement} bytes per line.");
    }

    [Fact]
    public async Task ReadJsonValuesAsync_Numbers_AllocatesNothing()
    {
        var perElement = await MeasureAsync("12345\n"u8.ToArray(), async response =>
        {
            await foreach (var _ in response.ReadJsonValuesAsync(TestJson.Default.Int32))
            {
            }
        });

        Assert.True(perElement <= SlackBytes, $"{perElement} bytes per chunk.");
    }

    [Fact]
    public async Task AsStream_SmallChunks_AllocatesNothing()
    {
        var buffer = new byte[4096];

        var perElement = await MeasureAsync(new byte[64], async response =>
        {
            await using var stream = response.AsStream();
            while (await stream.ReadAsync(buffer) > 0)
            {
            }
        });

        Assert.True(perElement <= SlackBytes, $"{perElement} bytes per chunk.");
    }

    [Fact]
    public async Task CopyToAsync_SmallChunks_AllocatesNothing()
    {
        var perElement = await MeasureAsync(new byte[64], response => response.CopyToAsync(Stream.Null));

        Assert.True(perElement <= SlackBytes, $"{perElement} bytes per chunk.");
    }

    private static async Task<double> MeasureAsync(byte[] chunk, Func<InvokeWithResponseStreamResponse, Task> readAsync)
    {
        var few = Wire.Repeat(chunk, Few);
        var many = Wire.Repeat(chunk, Many);
        return await MinimumAsync(readAsync) - await MinimumAsync(ReadChunksAsync);

        async Task<double> MinimumAsync(Func<InvokeWithResponseStreamResponse, Task> readAsync)
        {
            var minimum = double.MaxValue;
            for (var i = 0; i < 5; i++)
            {
                var fewBytes = await AllocatedAsync(few, readAsync);
                var manyBytes = await AllocatedAsync(many, readAsync);
                minimum = Math.Min(minimum, (manyBytes - fewBytes) / (double)(Many - Few));
            }

            return minimum;
        }

        static async Task ReadChunksAsync(InvokeWithResponseStreamResponse response)
        {
            await foreach (var _ in response.ReadChunksAsync())
            {
            }
        }
    }

    private static async Task<long> AllocatedAsync(byte[] wire, Func<InvokeWithResponseStreamResponse, Task> readAsync)
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        var thread = Environment.CurrentManagedThreadId;
        var before = GC.GetAllocatedBytesForCurrentThread();
        await readAsync(response);
        Assert.Equal(thread, Environment.CurrentManagedThreadId);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
