using System.Text;
using Refit;

namespace LambdaStreaming.Http.Tests.Clients;

/// <summary>Refit over the handler.</summary>
public sealed class RefitTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<Fault> Faults => [.. Enum.GetValues<Fault>()];

    [Fact]
    public async Task Stream_YieldsEachPartAsItArrives()
    {
        await using var web = await StartAsync();

        await using var stream = await RestService.For<IItems>(web.Http).GetStreamAsync(Token);
        var buffer = new byte[100];
        var count = await stream.ReadAsync(buffer, Token).AsTask().WaitAsync(WebFunction.TooLong, Token);
        Assert.Equal("{\"number\":1}\n", Encoding.UTF8.GetString(buffer, 0, count));
        web.FirstPartSeen();
        using var reader = new StreamReader(stream);

        Assert.Equal("{\"number\":2}\n", await reader.ReadToEndAsync(Token));
    }

    [Fact]
    public async Task AsyncEnumerable_YieldsEachItemAsItArrives()
    {
        await using var web = await StartAsync();
        var numbers = new List<int>();

        await foreach (var item in RestService.For<IItems>(web.Http).GetItemsAsync(Token))
        {
            numbers.Add(item.Number);
            web.FirstPartSeen();
        }

        Assert.Equal([1, 2], numbers);
    }

    [Theory, MemberData(nameof(Faults))]
    public async Task Stream_FaultInTheMiddle_Throws(Fault fault)
    {
        await using var web = await StartAsync(fault);
        await using var stream = await RestService.For<IItems>(web.Http).GetStreamAsync(Token);
        using var reader = new StreamReader(stream);

        var exception = await Assert.ThrowsAsync<HttpIOException>(() => reader.ReadToEndAsync(Token));

        Assert.IsAssignableFrom<LambdaStreamingException>(exception.InnerException);
    }

    [Theory, MemberData(nameof(Faults))]
    public async Task AsyncEnumerable_FaultInTheMiddle_Throws(Fault fault)
    {
        await using var web = await StartAsync(fault);
        var numbers = new List<int>();

        var exception = await Assert.ThrowsAsync<HttpIOException>(async () =>
        {
            await foreach (var item in RestService.For<IItems>(web.Http).GetItemsAsync(Token))
            {
                numbers.Add(item.Number);
                web.FirstPartSeen();
            }
        });

        Assert.IsAssignableFrom<LambdaStreamingException>(exception.InnerException);
        Assert.Equal([1], numbers);
    }

    [Theory, MemberData(nameof(Faults))]
    public async Task String_FaultInTheMiddle_Throws(Fault fault)
    {
        await using var web = await StartAsync(fault);

        await Assert.ThrowsAsync<ApiException>(() => RestService.For<IItems>(web.Http).GetTextAsync(Token));

        Assert.Equal(1, web.Calls);
    }

    private static Task<WebFunction> StartAsync(Fault? fault = null) =>
        WebFunction.StartAsync(
            async (web, request, response, token) =>
            {
                Assert.Equal("/items", request.Path);
                response.Headers["Content-Type"] = "application/x-ndjson";
                await response.WriteAsync("{\"number\":1}\n", token);
                await web.MiddleAsync(response, token);
                await response.WriteAsync("{\"number\":2}\n", token);
            },
            fault);

    public interface IItems
    {
        [Get("/items")]
        Task<Stream> GetStreamAsync(CancellationToken cancellationToken);

        [Get("/items")]
        Task<string> GetTextAsync(CancellationToken cancellationToken);

        [Get("/items")]
        IAsyncEnumerable<Item> GetItemsAsync(CancellationToken cancellationToken);
    }

    public sealed record Item(int Number);
}
