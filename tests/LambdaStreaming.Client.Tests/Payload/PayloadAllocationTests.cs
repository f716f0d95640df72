using System.Text;

namespace LambdaStreaming.Tests.Payload;

/// <summary>What a reader allocates beyond what it gives away. All is buffered, so that nothing waits and one thread does everything.</summary>
[Collection(nameof(PayloadAllocationTests))]
[CollectionDefinition(nameof(PayloadAllocationTests), DisableParallelization = true)]
public class PayloadAllocationTests
{
    private const int Few = 1_000;
    private const int Many = 11_000;

    // Differences between a short and a long answer: what a call allocates once drops out. So does what the bare enumeration of the same chunks allocates.
    private const double SlackBytes = 1;

    [Fact]
    public async Task ReadTextAsync_SmallChunks_AllocatesItsStringsAlone()
    {
        // A string of 6 characters: 8 of header, 8 of type, 4 of length, 14 of characters with their end, to the next 8.
        const int StringBytes = 40;

        var perElement = await MeasureAsync("token "u8.ToArray(), async response =>
        {
            await foreach (var _ in response.ReadTextAsync())
            {
            }
        });

        Assert.True(perElement <= StringBytes + SlackBytes, $"{perElement} bytes a chunk.");
    }

    [Fact]
    public async Task ReadLinesAsync_SmallChunks_AllocatesItsStringsAlone()
    {
        var perElement = await MeasureAsync("1234567\n"u8.ToArray(), async response =>
        {
            await foreach (var _ in response.ReadLinesAsync())
            {
            }
        });

        Assert.True(perElement <= 40 + SlackBytes, $"{perElement} bytes a line.");
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

        Assert.True(perElement <= SlackBytes, $"{perElement} bytes a chunk.");
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

        Assert.True(perElement <= SlackBytes, $"{perElement} bytes a chunk.");
    }

    [Fact]
    public async Task CopyToAsync_SmallChunks_AllocatesNothing()
    {
        var perElement = await MeasureAsync(new byte[64], response => response.CopyToAsync(Stream.Null));

        Assert.True(perElement <= SlackBytes, $"{perElement} bytes a chunk.");
    }

    private static async Task<double> MeasureAsync(byte[] chunk, Func<InvokeWithResponseStreamResponse, Task> readAsync)
    {
        var few = Wire.Repeat(chunk, Few);
        var many = Wire.Repeat(chunk, Many);
        return await LeastAsync(readAsync) - await LeastAsync(ReadChunksAsync);

        async Task<double> LeastAsync(Func<InvokeWithResponseStreamResponse, Task> readAsync)
        {
            var least = double.MaxValue;
            for (var i = 0; i < 5; i++)
            {
                var once = await AllocatedAsync(few, readAsync);
                var more = await AllocatedAsync(many, readAsync);
                least = Math.Min(least, (more - once) / (double)(Many - Few));
            }

            return least;
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
