using System.Text;
using Moq;

namespace LambdaStreaming.Tests.Docs;

public class ReadingDocsTests
{
    private readonly StringBuilder _written = new();

    [Fact]
    public async Task ReadingDocs_Code_DoesWhatItSays()
    {
        var snippets = Snippets("To", "kens");
        await snippets.TokensInALineAsync(CancellationToken.None);
        await Snippets("To", "kens").TokensAsync(new InvokeWithResponseStreamRequest("chat"), CancellationToken.None);
        await snippets.ChatAsync(Answer("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n", "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\ndata: [DONE]\n\n"), CancellationToken.None);
        await snippets.ObjectsAsync(Answer("{\"id\":\"a\",\"total\":1}\n{\"id\":\"b\",\"to", "tal\":x}"), CancellationToken.None);
        await snippets.HttpAsync(Answer("{\"statusCode\":404,\"headers\":{\"Content-Type\":\"text/plain\"}}\0\0\0\0", "\0\0\0\0none\n"), CancellationToken.None);
        await snippets.OptionsAsync(Answer("line"), CancellationToken.None);
        await snippets.TestAsync();

        Assert.Equal("TokensTokensHia: 1\nOrder 1 is broken at byte 39.\n404 text/plain\nnone\nline\nHel", _written.ToString());
    }

    [Fact]
    public async Task ReadingDocs_Download_IsTheFile()
    {
        var path = Path.GetTempFileName();
        try
        {
            await Snippets().DownloadAsync(Answer(new string('a', 1024), new string('b', 1024)), path, CancellationToken.None);

            Assert.Equal(new string('a', 1024) + new string('b', 1024), await File.ReadAllTextAsync(path));
            Assert.Equal("\r1 KiB\r2 KiB", _written.ToString());
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static InvokeWithResponseStreamResponse Answer(params string[] chunks) => InvokeWithResponseStreamResponse.Create(chunks);

    private ReadingSnippets Snippets(params string[] chunks)
    {
        var client = new Mock<ILambdaStreamingClient>();
        client.Setup(mock => mock.InvokeWithResponseStreamAsync(It.IsAny<InvokeWithResponseStreamRequest>(), It.IsAny<CancellationToken>())).ReturnsAsync(() => Answer(chunks));
        return new ReadingSnippets(client.Object, text => _written.Append(text));
    }
}
