using System.Text;
using ChatWeb;
using LambdaStreaming.Testing;

namespace LambdaStreaming.AspNetCore.Tests.ChatPage;

/// <summary>samples/ChatWeb: started as the README says, and used in a real browser.</summary>
public class ChatPageTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Program_WithoutSettings_ServesItsPageAndAnswers()
    {
        using var program = await ChatProgram.StartAsync(null, null);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = program.Url };

        using var page = await http.GetAsync("/", Token);
        using var answer = await http.PostAsync("/chat", new StringContent("""{"prompt":"rain"}""", Encoding.UTF8, "application/json"), Token);

        Assert.Contains("<title>Word by word</title>", await page.Content.ReadAsStringAsync(Token));
        Assert.StartsWith("default-src 'none'; script-src 'self'", page.Headers.GetValues("Content-Security-Policy").Single());
        Assert.EndsWith("it has something to tell you.", await answer.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task Page_InARealBrowser_ShowsWordsStopsAndSaysWhatIsCut()
    {
        var chromium = Browser.Needed();
        await using var lambda = await LocalLambdaServer.StartAsync(s => s.AddFunction("storyteller", Storyteller.RespondAsync), Token);
        using var program = await ChatProgram.StartAsync(lambda, "storyteller");

        var saw = await Browser.RunAsync(chromium, program.Url);

        Assert.Equal("prompt", saw["opened"].GetProperty("focused").GetString());

        var lengths = saw["grew"].GetProperty("lengths").EnumerateArray().Select(length => length.GetInt32()).ToList();
        Assert.Equal(lengths.Order(), lengths);
        Assert.True(saw["grew"].GetProperty("stopShown").GetBoolean());

        Assert.EndsWith("it has something to tell you.", saw["whole"].GetProperty("text").GetString());
        Assert.Matches(@"^Whole answerFirst word after \d+ ms[\d.]+ words a second47 words$", saw["whole"].GetProperty("meter").GetString());
        Assert.False(saw["whole"].GetProperty("bannerShown").GetBoolean());

        Assert.True(saw["stopped"].GetProperty("sendShown").GetBoolean());
        Assert.Equal("prompt", saw["stopped"].GetProperty("focused").GetString());
        Assert.DoesNotContain("no more", saw["stopped"].GetProperty("text").GetString());
        await lambda.Requests[1].ClientDisconnected.WaitAsync(Patience, Token);   // stopped by the button
        await lambda.Requests[2].ClientDisconnected.WaitAsync(Patience, Token);   // stopped by Esc

        Assert.StartsWith("A function once had", saw["cut"].GetProperty("text").GetString());
        Assert.StartsWith("This answer was cut here.", saw["cut"].GetProperty("banner").GetString());
        Assert.True(saw["cut"].GetProperty("alert").GetBoolean());
        Assert.Equal("There is no answer. The function behind this address could not answer.", saw["failed"].GetProperty("banner").GetString());

        Assert.Equal(0, saw["escaped-text"].GetProperty("elements").GetInt32());
        Assert.Equal("Word by word", saw["escaped-text"].GetProperty("title").GetString());

        Assert.True(saw["phone"].GetProperty("scrollWidth").GetInt32() <= saw["phone"].GetProperty("width").GetInt32());
        Assert.True(saw["phone"].GetProperty("smallest").GetDouble() >= 44);   // CSS pixels: what a thumb hits. Source: WCAG 2.2, 2.5.5.
        Assert.Empty(saw["complaints"].GetProperty("complaints").EnumerateArray());
    }
}
