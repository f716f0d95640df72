using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Every command that a page shows names what is there. Those of <c>lambda-stream</c> run in <see cref="CommandLinePageTests"/>, those of packages in eng/pack-check.sh.</summary>
public class CommandTests
{
    private static readonly Regex Run = new(@"^dotnet run (-c Release )?--project (?<project>\S+)(?<rest>.*)$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
    private static readonly Regex Script = new(@"^(bash )?(?<script>(tests/|eng/|\.ci/)[\w./-]+)(?<rest> .*)?$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
    private static readonly Regex Package = new(@"^dotnet (tool install --global|add package|pack)( --add-source \S+)?( (src/)?(?<package>LambdaStreaming\.[\w.]+))?$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));

    // What runs elsewhere, or can't run here.
    private static readonly string[] Known =
    [
        "lambda-stream ", "jq -n '{a:1}' | lambda-stream ", "eval \"$(lambda-stream ",   // CommandLinePageTests
        "curl -N ",                                                                       // AspNetCoreSnippets.First
        "dotnet test", "dotnet restore", "dotnet format ",                                // .ci/run
        "dotnet lambda ",                                                                 // AWS's tool, and an account
        "aws ",                                                                           // AWS's own command line, and an account
        "aws configure", "aws sso login", "aws login",
    ];

    [Theory, MemberData(nameof(Page.Paths), MemberType = typeof(Page))]
    public void Page_EachCommand_NamesWhatIsThere(string path)
    {
        var page = new Page(path);

        Assert.All([.. page.Commands, .. page.InlineCommands], command =>
        {
            if (Run.Match(command) is { Success: true } run) AssertRuns(run.Groups["project"].Value, run.Groups["rest"].Value);
            else if (Package.Match(command) is { Success: true } package) Assert.True(!package.Groups["package"].Success || Directory.Exists(Path.Combine(Repository.Root, "src", package.Groups["package"].Value)), command);
            else if (Script.Match(command) is { Success: true } script) AssertIsThere(script.Groups["script"].Value, script.Groups["rest"].Success || command.StartsWith("bash ", StringComparison.Ordinal));
            else Assert.Contains(Known, known => command.StartsWith(known, StringComparison.Ordinal));
        });
    }

    // The first word after the project is a command that its Program knows.
    private static void AssertRuns(string project, string rest)
    {
        var folder = Path.Combine(Repository.Root, project);
        Assert.True(File.Exists(Path.Combine(folder, Path.GetFileName(folder) + ".csproj")), $"{project} is no project.");
        var words = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries).SkipWhile(word => word == "--").ToArray();
        if (words is [var first, ..]) Assert.Contains(Directory.GetFiles(folder, "*.cs"), file => File.ReadAllText(file).Contains(first.TrimStart('-'), StringComparison.Ordinal));
    }

    private static void AssertIsThere(string script, bool isCommand)
    {
        var path = Path.Combine(Repository.Root, script);
        if (!isCommand && !script.EndsWith(".sh", StringComparison.Ordinal))
        {
            // A file or folder that the prose speaks of.
            Assert.True(Path.Exists(path) || Path.Exists(path + ".cs") || path.Contains('*', StringComparison.Ordinal), $"{script} is not there.");
            return;
        }

        Assert.True(Path.Exists(path), $"{script} is not there.");
        if (!OperatingSystem.IsWindows() && File.Exists(path) && isCommand) Assert.True(File.GetUnixFileMode(path).HasFlag(UnixFileMode.UserExecute), $"{script} can't be run.");
    }
}
