using System.Reflection;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code of the guides, pasted into a new console project.</summary>
/// <remarks>
/// A page whose first snippet is named <c>…-setup</c> states what its other blocks continue. Each block must compile
/// after it. Blocks with assertions belong in test projects, except on the page about tests.
/// </remarks>
public class PastedProgramTests
{
    public static IEnumerable<TheoryDataRow<string>> Programs =>
        PastedProgram.Names.Select(name => new TheoryDataRow<string>(name));

    public static IEnumerable<TheoryDataRow<string, string>> Blocks =>
        from page in Page.All
        where page.Blocks.Any(PastedProgram.IsSetup)
        from block in page.Blocks
        where block.Language == "csharp" && !PastedProgram.Names.Contains(block.Snippet)
        where page.Blocks.Any(IsTestSetup) || !block.Code.Contains("Assert.", StringComparison.Ordinal)
        select new TheoryDataRow<string, string>(page.Path, block.Snippet);

    [Theory, MemberData(nameof(Programs))]
    public async Task Program_PastedIntoAConsoleProject_CompilesAndRuns(string name)
    {
        using var assembly = new MemoryStream();

        var code = PastedProgram.Read(name);
        Assert.Empty(PastedProgram.FromProgram(code).Compile(assembly));

        // Programs for other SDKs are compiled with stubs. AspNetCoreSnippets and tests/AotSmoke run the web servers.
        if (name.StartsWith("before-", StringComparison.Ordinal)) return;
        if (code.Contains("app.Run();", StringComparison.Ordinal)) return;
        if (Assembly.Load(assembly.ToArray()).EntryPoint is not { } main) return;
        object?[] arguments = main.GetParameters().Length == 0 ? [] : [Array.Empty<string>()];
        if (main.Invoke(null, arguments) is Task running) await running;
    }

    [Theory, InlineData("after-bedrock"), InlineData("aot-program")]
    public async Task Program_FunctionUsesCamelCase_PrintsTheText(string name)
    {
        const string Recorder = """
            public static class Console
            {
                public static string Text { get; private set; } = "";

                public static void Write(string? text) => Text += text;
            }
            """;
        using var stream = new MemoryStream();
        Assert.Empty(PastedProgram.FromProgram(PastedProgram.Read(name) + Recorder).Compile(stream));
        var assembly = Assembly.Load(stream.ToArray());

        if (assembly.EntryPoint!.Invoke(null, [Array.Empty<string>()]) is Task running) await running;

        Assert.Equal("You wrote: Tell me a story", assembly.GetType("Console")!.GetProperty("Text")!.GetValue(null));
    }

    [Theory, MemberData(nameof(Blocks))]
    public void Block_PastedAfterTheFirstProgramOfItsPage_Compiles(string path, string snippet)
    {
        using var assembly = new MemoryStream();

        Assert.Empty(PastedProgram.FromPage(new Page(path), snippet).Compile(assembly));
    }

    private static bool IsTestSetup(Page.Block block) =>
        PastedProgram.IsSetup(block) && block.Code.Contains("using Xunit;", StringComparison.Ordinal);
}
