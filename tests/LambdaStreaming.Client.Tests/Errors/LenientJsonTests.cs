using System.Text;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Tests.Errors;

public sealed class LenientJsonTests
{
    private const string EscapedA = @"\u0041";

    [Theory]
    [InlineData(10, "AAAAAAAAAA")]
    [InlineData(11, "AAAAAAAAA…")]
    public void GetText_StringOfEscapeSequences_IsTruncatedAtTheMaximumLength(int characters, string expected)
    {
        var json = '"' + string.Concat(Enumerable.Repeat(EscapedA, characters)) + '"';

        Assert.Equal(expected, LenientJson.GetText(Encoding.UTF8.GetBytes(json), maxLength: 10));
    }

    [Fact]
    public void GetText_ValueIsNotAString_ReturnsItsJson() =>
        Assert.Equal($$"""{"a":"{{EscapedA}}"}""", LenientJson.GetText("""{"a":"\u0041"}"""u8));

    [Theory]
    [InlineData("ab", "ab…")]
    [InlineData("abc", "ab…")]
    [InlineData("a\ud83d\ude80b", "a…")]
    public void Truncate_MaximumLengthIsThree_ReturnsAtMostThreeCharacters(string text, string expected) =>
        Assert.Equal(expected, LenientJson.Truncate(text, 3));

    [Theory]
    [InlineData(1024, "")]
    [InlineData(1025, "…")]
    public void StackTrace_LongLineOfAString_IsTruncatedAt1024Characters(int length, string end)
    {
        var details = $$"""{"trace":"{{new string('x', length)}}\nsecond"}""";

        var lines = FunctionErrorDetails.Parse(details).StackTrace;

        Assert.Equal([new string('x', 1024 - end.Length) + end, "second"], lines);
    }
}
