using System.Text;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Tests;

/// <summary>Hints after typing errors and for other common mistakes.</summary>
public sealed class HintTests
{
    private const string PreludeHint = "use --http";

    [Theory]
    [InlineData("Did you mean invoke?", "invok", "f")]
    [InlineData("Did you mean serve?", "servr")]
    [InlineData("Did you mean --payload?", "invoke", "f", "--paylod", "1")]
    [InlineData("Did you mean --payload?", "invoke", "f", "--payloads=1")]
    [InlineData("Did you mean --idle-timeout?", "invoke", "f", "--idle", "5s")]
    [InlineData("Did you mean --json?", "invoke", "--jsn")]
    [InlineData("Did you mean --function?", "serve", "--functon", "a=exec:b")]
    [InlineData("Did you mean --debug?", "invoke", "f", "--debg")]
    public async Task UnknownName_ResemblesAnother_IsSuggested(string expected, params string[] args)
    {
        var run = await Run.ExecuteAsync(args);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error);
    }

    [Theory]
    [InlineData("xyz")]
    [InlineData("invoke", "f", "--nope")]
    [InlineData("invoke", "f", "g")]
    public async Task UnknownName_ResemblesNothing_IsNotSuggested(params string[] args)
    {
        var run = await Run.ExecuteAsync(args);

        Assert.Equal(2, run.ExitCode);
        Assert.DoesNotContain("Did you mean", run.Error);
    }

    [Theory]
    [InlineData]
    [InlineData("--text")]
    [InlineData("--lines")]
    public async Task Invoke_HttpPreludeWithoutHttp_PrintsAHint(params string[] format)
    {
        await using var server = await StartAsync(async (_, response, token) =>
        {
            await response.WriteHttpPreludeAsync(200, new Dictionary<string, string>(), [], token);
            await response.WriteTextAsync("body\n", token);
        });

        var run = await Run.InvokeAsync(server, format);

        Assert.Equal(0, run.ExitCode);
        Assert.EndsWith("body\n", run.Output);
        Assert.Contains(PreludeHint, run.Error);
    }

    [Fact]
    public async Task Invoke_HttpPreludeInTwoChunks_PrintsAHint()
    {
        await using var server = await StartAsync(async (_, response, token) =>
        {
            await response.WriteTextAsync("{\"statusCode\":200}\0\0\0", token);
            await response.WriteTextAsync("\0\0\0\0\0body", token);
        });

        var run = await Run.InvokeAsync(server);

        Assert.Contains(PreludeHint, run.Error);
    }

    [Theory]
    [InlineData("""{"statusCode":200}""")]
    [InlineData("{\"other\":200}\0\0\0\0\0\0\0\0body")]
    [InlineData("text")]
    [InlineData("")]
    public async Task Invoke_NoHttpPrelude_PrintsNothing(string payload)
    {
        await using var server = await StartAsync(
            async (_, response, token) => await response.WriteTextAsync(payload, token));

        var run = await Run.InvokeAsync(server);

        Assert.Equal((0, payload, ""), (run.ExitCode, run.Output, run.Error));
    }

    [Fact]
    public async Task Payload_IsTheNameOfAFile_MessageNamesTheSyntax()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("payload.json", "{}");

        var run = await Run.ExecuteAsync("invoke", "f", "--local", "--payload", path);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"use {ShellText.Quote("@" + path)}", run.Error);
    }

    [Fact]
    public async Task Payload_IsTheNameOfAFileWithASpace_CommandIsQuoted()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Checks the quotation marks of a Unix shell.");
        using var folder = new TemporaryFolder();
        var path = folder.Write("my payload.json", "{}");

        var payload = await Run.ExecuteAsync("invoke", "f", "--local", "--payload", path);
        var output = await Run.ExecuteAsync("invoke", path, "--local", "--function-name", "f");

        Assert.Contains($"use '@{path}'", payload.Error);
        Assert.Contains($"use --output '{path}'", output.Error);
    }

    [Fact]
    public async Task Payload_IsBase64OfJson_MessageSaysSo()
    {
        var base64 = Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"name":"Ada"}"""));

        var run = await Run.ExecuteAsync("invoke", "f", "--local", "--payload", base64);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("base64 of JSON", run.Error);
    }

    [Theory]
    [InlineData("Ada")]
    [InlineData("name")]
    public async Task Payload_IsOtherText_MessageDoesNotClaimBase64(string payload)
    {
        var run = await Run.ExecuteAsync("invoke", "f", "--local", "--payload", payload);

        Assert.Equal(2, run.ExitCode);
        Assert.DoesNotContain("base64", run.Error);
    }

    private static Task<LocalLambdaServer> StartAsync(FunctionHandler function) =>
        LocalLambdaServer.StartAsync(options => options.AddFunction("f", function));
}
