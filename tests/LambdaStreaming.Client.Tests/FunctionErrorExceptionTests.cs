using System.Text;

namespace LambdaStreaming.Tests;

public class FunctionErrorExceptionTests
{
    [Theory]
    [InlineData("""{"errorType":"TypeError","errorMessage":"m","trace":["a","b"]}""", "TypeError", "m", "a|b")]
    [InlineData(
        """{"errorType":"KeyError","errorMessage":"m","stackTrace":["  File a\n","  File b\n"]}""",
        "KeyError",
        "m",
        "  File a\n|  File b\n")]
    [InlineData("""{"stackTrace":["x"],"trace":["y"]}""", null, null, "x")]
    [InlineData("""{"stackTrace":null,"trace":["y"]}""", null, null, "y")]
    [InlineData("""{"stackTrace":"one\ntwo"}""", null, null, "one|two")]
    [InlineData("""{"stackTrace":[1,["x"],null,{}]}""", null, null, "1|[\"x\"]||{}")]
    [InlineData("""{"stackTrace":{}}""", null, null, "")]
    [InlineData("""{"errorType":7,"errorMessage":null}""", null, null, "")]
    [InlineData("""{"errorType":"A","errorType":"B"}""", "B", null, "")]
    [InlineData("""{"errorType":"half \ud800","\udc00":1,"errorMessage":"\ud83d\ude80"}""", "half \ufffd", "🚀", "")]
    [InlineData("""  {"errorType":"A"}  """, "A", null, "")]
    [InlineData("""{"errorType":"A"} and more""", null, null, "")]
    [InlineData("""{"errorType":"A","cut""", null, null, "")]
    [InlineData("""["errorType"]""", null, null, "")]
    [InlineData("RequestId: x Error: Task timed out after 3.00 seconds", null, null, "")]
    [InlineData("\"text\"", null, null, "")]
    [InlineData("{", null, null, "")]
    [InlineData("", null, null, "")]
    [InlineData(null, null, null, "")]
    public void Constructor_ErrorDetailsOfAnyForm_ParsesKnownFieldsAndKeepsTheText(
        string? details,
        string? type,
        string? message,
        string lines)
    {
        var exception = new FunctionErrorException(
            "m", new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = details });

        Assert.Equal(type, exception.FunctionErrorType);
        Assert.Equal(message, exception.FunctionErrorMessage);
        Assert.Equal(lines, string.Join('|', exception.FunctionStackTrace));
        Assert.Equal(details, exception.ErrorDetails);
        Assert.Equal("Unhandled", exception.ErrorCode);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.Null(exception.Retryable);
    }

    [Fact]
    public void Constructor_ErrorDetailsAreLongAndDeeplyNested_ParsesThem()
    {
        var causes = new StringBuilder();
        for (var i = 0; i < 5_000; i++)
            causes.Append("{\"cause\":");
        causes.Append("null").Append('}', 5_000);
        var details = $$"""{"cause":{{causes}},"errorMessage":"{{new string('m', 64 * 1024)}}"}""";

        var exception = new FunctionErrorException(
            "m", new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = details });

        Assert.Equal(64 * 1024, exception.FunctionErrorMessage!.Length);
    }

    [Fact]
    public void Constructor_ErrorDetailsContainALoneSurrogate_ReplacesIt()
    {
        var exception = new FunctionErrorException(
            "m", new InvokeComplete { ErrorCode = "\ud800", ErrorDetails = "{\"errorType\":\"\ud800\"}" });

        Assert.Equal("\ufffd", exception.FunctionErrorType);
    }
}
