using System.Globalization;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool.Invoke;
using LambdaStreaming.Tool.Serve;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Tool.Tests;

/// <summary>Text of functions, services and headers cannot imitate, hide or reorder lines of the program.</summary>
public sealed class ForgedTextTests
{
    // Imitates a line of the program after each character that can end a line.
    // Then contains characters that reorder or hide text.
    private const string Forged =
        "boom\nlambda-stream: a\r\nlambda-stream: b\rlambda-stream: c\u0085lambda-stream: d"
        + "\u2028lambda-stream: e\u2029lambda-stream: f\u202Eg\u2066h\u200Bi\U000E0041j\u001b[2J";

    [Theory]
    [InlineData(1, "invoke", "f")]
    [InlineData(1, "invoke", "f", "--http")]
    [InlineData(1, "invoke", "f", "--events")]
    [InlineData(2, "record", "f", "--to", "-")]     // and "recorded a failure of the function"
    public async Task AnyCommand_ErrorOfTheFunction_IsOneLine(int lines, params string[] command)
    {
        var details = new Dictionary<string, string> { ["errorType"] = Forged, ["errorMessage"] = Forged };
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", (_, response, _) =>
            {
                response.Fail(Forged, JsonSerializer.Serialize(details));
                return Task.CompletedTask;
            }));

        var run = await Run.ExecuteAsync([.. command, .. Run.EndpointOptions(server)]);

        Assert.Equal(3, run.ExitCode);
        Assert.Equal(lines, CountLines(run.Error));
        AssertOwnLines(lines, run.Error);
    }

    [Fact]
    public async Task Invoke_LogOfTheFunction_LinesAreMarked()
    {
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", (_, response, _) =>
            {
                response.Log(Forged);
                response.Log("lambda-stream: all is well\n---");
                return Task.CompletedTask;
            }));

        var run = await Run.InvokeAsync(server, "--log-tail");

        AssertOwnLines(0, run.Error);
        Assert.Single(run.Error.Split('\n'), line => line == "---");
        Assert.Contains("| lambda-stream: all is well\n| ---\n", run.Error);
    }

    [Fact]
    public async Task Http_Headers_LinesAreMarked()
    {
        var headers = new Dictionary<string, string>
        {
            ["lambda-stream"] = "all is well",
            ["x-a"] = Forged,
            [Forged] = "1",
        };
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", (_, response, ct) => response.WriteHttpPreludeAsync(200, headers, [Forged], ct)));

        var run = await Run.InvokeAsync(server, "--http");

        AssertOwnLines(0, run.Error);
        Assert.StartsWith("< HTTP 200\n< lambda-stream: all is well\n", run.Error);
        Assert.Equal(6, CountLines(run.Error));
    }

    [Fact]
    public void Debug_ExceptionMessage_LinesAreMarked()
    {
        using var error = Run.CreateErrorWriter();

        Failure.Report(CreateConsole(error), new IOException(Forged), debug: true);

        AssertOwnLines(1, error.ToString());
    }

    [Fact]
    public void Debug_LogMessage_LinesAreMarked()
    {
        using var error = Run.CreateErrorWriter();
        using var log = new ErrorLog(error);
        var logger = log.CreateLogger("category");

        logger.Log(LogLevel.Information, default, Forged, new IOException(Forged), static (text, _) => text);

        Assert.StartsWith("Information category: boom", error.ToString());
        AssertOwnLines(0, error.ToString());
    }

    [Fact]
    public void Stats_RequestIdAndVersion_AreOneLineEach()
    {
        using var error = Run.CreateErrorWriter();
        var statistics = new StreamStatistics(TimeProvider.System);
        var metadata = new ResponseStreamMetadata { RequestId = "a\u202Eb", ExecutedVersion = "c\u202Ed" };
        statistics.RecordHeaders(InvokeWithResponseStreamResponse.Create([""], metadata: metadata));

        statistics.Print(error);

        AssertOwnLines(0, error.ToString());
        Assert.Equal(8, CountLines(error.ToString()));
    }

    [Fact]
    public void Serve_OutputOfAFunction_IsOneLine()
    {
        using var error = Run.CreateErrorWriter();
        var printer = new RequestPrinter(CreateConsole(error), TimeProvider.System, CancellationToken.None);

        printer.PrintOutput("f", Forged);

        Assert.Equal(1, CountLines(error.ToString()));
        AssertOwnLines(0, error.ToString());
    }

    private static ToolConsole CreateConsole(TextWriter error) =>
        new() { Input = Stream.Null, Output = Stream.Null, Error = error };

    private static int CountLines(string text) => text.Count(character => character == '\n');

    private static void AssertOwnLines(int expected, string text)
    {
        var lines = text.Split('\n').Count(line => line.StartsWith("lambda-stream: ", StringComparison.Ordinal));
        Assert.Equal(expected, lines);
        Assert.DoesNotContain(text.EnumerateRunes(), rune => rune.Value != '\n' && Rune.GetUnicodeCategory(rune) is
            UnicodeCategory.Control or
            UnicodeCategory.Format or
            UnicodeCategory.LineSeparator or
            UnicodeCategory.ParagraphSeparator);
    }
}
