using System.IO.Pipelines;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Payload;

public class PipeCopyTests
{
    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(50)]
    public async Task CopyToAsync_PipeWriterAndManyChunks_WritesThemAll(int piece)
    {
        var wire = Enumerable.Range(0, 300).SelectMany(i => Messages.Chunk(new string((char)('a' + (i % 26)), 1000))).Concat(Messages.Complete()).ToArray();
        await using var response = InvokeWithResponseStreamResponse.Create(new PiecewiseStream(wire, () => piece));
        using var copy = new MemoryStream();
        var pipe = PipeWriter.Create(copy);

        await response.CopyToAsync(pipe, TestContext.Current.CancellationToken);

        Assert.Equal(string.Concat(Enumerable.Range(0, 300).Select(i => new string((char)('a' + (i % 26)), 1000))), System.Text.Encoding.UTF8.GetString(copy.ToArray()));
    }
}
