using System.Diagnostics;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Tests.Errors;

public sealed class RedactorTests
{
    private const string Secret = "a-secret-of-the-call";

    private static readonly Redactor WithSecret = CreateRedactor(Secret);

    [Theory]
    [InlineData("\u001b[31mred", " [31mred")]
    [InlineData("a\u0000b\u007fc\u009bd", "a b c d")]
    [InlineData("left\u202eright", "left right")]
    [InlineData("a\u200bb\u200dc\ufeffd", "a b c d")]
    [InlineData("a\u2028b\u2029c\u0085d", "a b c d")]
    [InlineData("a\ud83d\ude80b", "a\ud83d\ude80b")]
    [InlineData("a\udb40\udc41b", "a b")]
    [InlineData("  text \t", "text")]
    [InlineData("\u0001\u200b", "")]
    [InlineData("first\nsecond", "first")]
    [InlineData("first \r\nsecond", "first")]
    [InlineData(null, "")]
    public void Line_AnyText_IsOneLineOfPrintableCharacters(string? text, string expected) =>
        Assert.Equal(expected, Redactor.None.Line(text));

    [Fact]
    public void Line_HalfOfASurrogatePair_IsReplaced() =>
        Assert.Equal("a\ufffdb", Redactor.None.Line("a" + '\ud83d' + "b"));

    [Theory]
    [InlineData(1000, 1000, false)]
    [InlineData(1001, 1000, true)]
    public void Line_LengthAtTheLimit_IsTruncatedThere(int length, int kept, bool truncated) =>
        Assert.Equal(new string('x', kept) + (truncated ? "…" : ""), Redactor.None.Line(new string('x', length)));

    [Fact]
    public void Name_LongText_IsTruncatedAtItsOwnLimit() =>
        Assert.Equal(new string('x', 200) + "…", Redactor.None.Name(new string('x', 300)));

    [Theory]
    [InlineData("before " + Secret + " after", "before … after")]
    [InlineData(Secret + Secret, "……")]
    [InlineData("a-secret-of-the-cal", "…")]
    [InlineData("before a-secret…", "before a-secret…")]
    [InlineData("before a-secret-…", "before …")]
    [InlineData("a-secret-of-the-cab", "a-secret-of-the-cab")]
    public void Line_TextHasASecret_ContainsNothingOfIt(string text, string expected) =>
        Assert.Equal(expected, WithSecret.Line(text));

    // Compared with one pass over the same text. A pass for each position and secret would take 200 times as long.
    [Fact]
    public void Name_MillionsOfEllipses_TakesAFewPassesOverTheText()
    {
        var text = new string('…', 10_000_000);
        var redactor = CreateRedactor(Secret);
        redactor.Name(text);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < 20; i++) Assert.Equal(0, text.AsSpan().TrimEnd('…').Length);
        var ofPasses = Stopwatch.GetElapsedTime(start);

        start = Stopwatch.GetTimestamp();
        var name = redactor.Name(text);

        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, ofPasses);
        Assert.Equal(new string('…', 201), name);
    }

    [Theory, InlineData(0), InlineData(1), InlineData(5), InlineData(19)]
    public void Line_LimitFallsIntoASecret_ContainsNothingOfIt(int lettersBeforeTheLimit)
    {
        var line = WithSecret.Line(new string('x', 1000 - lettersBeforeTheLimit) + Secret + new string('y', 100));

        Assert.DoesNotContain("a-s", line, StringComparison.Ordinal);
        Assert.InRange(line.Length, 1000 - lettersBeforeTheLimit, 1001);
    }

    [Theory]
    [InlineData(1000, "")]
    [InlineData(999, "…")]
    public void Line_SecretIsAtTheLimit_LineEndsThere(int lengthBefore, string end) => Assert.Equal(
        new string('x', lengthBefore) + end, WithSecret.Line(new string('x', lengthBefore) + Secret + "y"));

    [Fact]
    public void Line_OneSecretBeginsLikeAnother_TheLongerOneIsReplaced() =>
        Assert.Equal("(…)", CreateRedactor("secret-one", "secret-one-and-two").Line("(secret-one-and-two)"));

    [Theory]
    [InlineData("12345678", "12345678")]
    [InlineData("123456789", "…")]
    public void Create_ShortText_IsNotASecret(string secret, string expected) =>
        Assert.Equal(expected, CreateRedactor(secret, "").Line(secret));

    [Theory, InlineData(9), InlineData(1024), InlineData(1025), InlineData(6_000_000)]
    public void Line_TextRepeatsThePayload_ContainsNothingOfIt(int length)
    {
        var payload = string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + (i % 26))))[..length];

        var line = Redactor.Create(InvokeWithResponseStreamRequest.FromJson("f", payload)).Line($"not JSON: {payload}");

        Assert.Equal("not JSON: …", line);
    }

    [Fact]
    public void Line_TextRepeatsAPayloadOfMultibyteCharacters_ContainsNothingOfIt()
    {
        var payload = "x" + string.Concat(Enumerable.Repeat("\ud83d\ude80", 1000));

        Assert.Equal("…", Redactor.Create(InvokeWithResponseStreamRequest.FromJson("f", payload)).Line(payload));
    }

    [Theory]
    [InlineData("\n", "")]
    [InlineData("  ", "")]
    [InlineData("", "\r\n")]
    [InlineData(" \u2003", "\u2003 ")]
    public void Line_TextRepeatsAPayloadWithWhiteSpaceAroundIt_ContainsNothingOfIt(string before, string after)
    {
        const string Json = """{"card":"4111 1111 1111 1111"}""";
        var payload = before + Json + after;
        var redactor = Redactor.Create(InvokeWithResponseStreamRequest.FromJson("f", payload));

        Assert.Equal(("…", "bad '…'"), (redactor.Line(payload), redactor.Line($"bad '{Json}'")));
    }

    [Theory, InlineData(2000, 0), InlineData(0, 2000)]
    public void Line_PayloadHasMuchWhiteSpaceAroundIt_ContainsNothingOfIt(int before, int after)
    {
        const string Json = """{"card":"4111 1111 1111 1111"}""";
        var payload = new string(' ', before) + Json + new string(' ', after);
        var redactor = Redactor.Create(InvokeWithResponseStreamRequest.FromJson("f", payload));

        Assert.Equal("bad '…'", redactor.Line($"bad '{Json}'"));
    }

    [Fact]
    public void Line_PayloadIsShortWithoutItsWhiteSpace_IsNotASecret() => Assert.Equal(
        "bad '12345678'",
        Redactor.Create(InvokeWithResponseStreamRequest.FromJson("f", "  12345678 ")).Line("bad '12345678'"));

    [Fact]
    public void Line_ClientContextHasWhiteSpaceAroundIt_ContainsNothingOfIt()
    {
        var request = new InvokeWithResponseStreamRequest("f") { ClientContext = " eyJjdXN0b20iOnt9fQ== " };

        Assert.Equal("bad '…'", Redactor.Create(request).Line("bad 'eyJjdXN0b20iOnt9fQ=='"));
    }

    [Fact]
    public void Line_SecretIsRepeatedForMegabytes_AllocatesOnlyForTheResult()
    {
        var payload = new string('s', 1000);
        var redactor = Redactor.Create(InvokeWithResponseStreamRequest.FromJson("f", payload));
        var text = new string('s', 8_000_000);
        redactor.Line(payload);   // compiles the code
        var before = GC.GetAllocatedBytesForCurrentThread();

        var line = redactor.Line(text);

        Assert.Equal(new string('…', 1000), line);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    private static Redactor CreateRedactor(params string[] secrets) =>
        Redactor.Create(new InvokeWithResponseStreamRequest("f"), [.. secrets.Select(secret => secret.AsMemory())]);
}
