using System.Text;
using ChatWeb;
using LambdaStreaming.Testing;

namespace LambdaStreaming.AspNetCore.Tests.ChatPage;

/// <summary>Tests samples/ChatWeb as a program, and its page in a real browser.</summary>
[Collection(nameof(Browser))]
public class ChatPageTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Program_WithoutSettings_ServesPageAndResponds()
    {
        using var program = await ChatProgram.StartAsync(null, null);
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var http = new HttpClient(handler) { BaseAddress = program.Url };
        using var question = new StringContent("""{"prompt":"rain"}""", Encoding.UTF8, "application/json");

        using var page = await http.GetAsync("/", Token);
        using var response = await http.PostAsync("/chat", question, Token);

        Assert.Contains("<title>Word by word</title>", await page.Content.ReadAsStringAsync(Token));
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'none'; script-src 'self'", policy);
        Assert.EndsWith("it has something to tell you.", await response.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task Page_InChromium_ShowsStreamedStoppedAndIncompleteResponses()
    {
        var chromium = Browser.RequireChromium();
        await using var lambda = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("storyteller", RespondAsync),
            Token);
        using var program = await ChatProgram.StartAsync(lambda, "storyteller");

        var steps = await Browser.RunAsync("chat.mjs", [program.Url.ToString(), chromium]);

        Assert.Equal("prompt", steps["opened"].GetProperty("focused").GetString());

        Assert.Equal(0, steps["composed"].GetProperty("questions").GetInt32());

        var growth = steps["grew"].GetProperty("lengths").EnumerateArray();
        var lengths = growth.Select(length => length.GetInt32()).ToList();
        Assert.Equal(lengths.Order(), lengths);
        Assert.True(steps["grew"].GetProperty("stopShown").GetBoolean());

        var complete = steps["complete"];
        Assert.EndsWith("it has something to tell you.", complete.GetProperty("text").GetString());
        Assert.Matches(
            @"^\s*CompleteFirst word after \d+ ms[\d.]+ words per second47 words\s*$",
            complete.GetProperty("meter").GetString());
        Assert.False(complete.GetProperty("bannerShown").GetBoolean());

        var stopped = steps["stopped"];
        Assert.True(stopped.GetProperty("sendShown").GetBoolean());
        Assert.Equal("prompt", stopped.GetProperty("focused").GetString());
        await lambda.Requests[1].ClientDisconnected.WaitAsync(Patience, Token);   // stopped by the button
        await lambda.Requests[2].ClientDisconnected.WaitAsync(Patience, Token);   // stopped by Esc

        var truncated = steps["truncated"];
        Assert.StartsWith("A function once needed", truncated.GetProperty("text").GetString());
        Assert.Equal(
            "Response incomplete. The connection was lost; the text above is incomplete.",
            truncated.GetProperty("banner").GetString());
        Assert.True(truncated.GetProperty("alert").GetBoolean());
        Assert.Equal(
            "No response. The function failed, could not be invoked, or returned an invalid response.",
            steps["failed"].GetProperty("banner").GetString());

        var code = steps["code"];
        Assert.StartsWith("var prompt = ", code.GetProperty("code").GetString());
        Assert.EndsWith("    Console.Write(text);\n}", code.GetProperty("code").GetString());
        Assert.Equal(2, code.GetProperty("paragraphs").GetArrayLength());
        Assert.Equal(code.GetProperty("code").GetString(), code.GetProperty("copiedCode").GetString());
        Assert.Contains("\n```csharp\nvar prompt = ", code.GetProperty("copiedResponse").GetString());

        var newChat = steps["new-chat"];
        Assert.Equal(0, newChat.GetProperty("responses").GetInt32());
        Assert.True(newChat.GetProperty("welcomeShown").GetBoolean());
        Assert.True(newChat.GetProperty("sendShown").GetBoolean());
        Assert.Equal("prompt", newChat.GetProperty("focused").GetString());
        await lambda.Requests[6].ClientDisconnected.WaitAsync(Patience, Token);   // stopped by "New chat"

        Assert.Equal(0, steps["escaped-text"].GetProperty("elements").GetInt32());
        Assert.Equal("Word by word", steps["escaped-text"].GetProperty("title").GetString());

        var phone = steps["phone"];
        Assert.True(phone.GetProperty("scrollWidth").GetInt32() <= phone.GetProperty("width").GetInt32());
        // The minimum size of a touch target, in CSS pixels. Source: WCAG 2.2, 2.5.5.
        Assert.True(phone.GetProperty("smallest").GetDouble() >= 44);
        Assert.Equal("", phone.GetProperty("meter").GetString());
        Assert.Empty(steps["errors"].GetProperty("errors").EnumerateArray());
    }

    // The page stops these responses. They must not end before, however busy the machine is.
    private static async Task RespondAsync(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        await Storyteller.RespondAsync(invocation, response, cancellationToken);
        string[] stopped = ["Tell me a story", "How do you work?", "img src"];
        if (!stopped.Any(invocation.PayloadAsString().Contains)) return;

        // The page waits until the text has grown several times.
        for (; ; await Task.Delay(100, cancellationToken)) await response.WriteTextAsync(" more", cancellationToken);
    }
}
