using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Existence of the projects, scripts and packages that the commands of all pages name.</summary>
/// <remarks>
/// <see cref="CommandLinePageTests"/> runs the commands of <c>lambda-stream</c>; eng/pack-check.sh tests the packages.
/// </remarks>
public class CommandTests
{
    private static readonly Regex Run = Create(
        @"^dotnet run (-c Release )?--project (?<project>\S+)(?<rest>.*)$");

    private static readonly Regex Script = Create(
        @"^(bash )?(?<script>(tests/|eng/|\.ci/)[\w./-]+)(?<rest> .*)?$");

    private static readonly Regex Package = Create(
        @"^dotnet (tool install --global|add package|pack)( (src/)?(?<package>LambdaStreaming\.[\w.]+))?$");

    // Commands that other tests run, or that cannot run here.
    private static readonly string[] Known =
    [
        // CommandLinePageTests.
        "lambda-stream ", "jq -n '{a:1}' | lambda-stream ", "eval \"$(lambda-stream ",

        // AspNetCoreSnippets.First.
        "curl -N ",

        // .ci/run.
        "dotnet test", "dotnet restore", "dotnet format ",

        // Commands of the .NET SDK that do not name anything here.
        "dotnet new console", "dotnet new web", "dotnet run --urls", "dotnet build", "dotnet clean",
        "dotnet publish", "dotnet nuget add source", "dotnet add ./src/Chat package Amazon.Lambda.",

        // docs/local-functions.md: RuntimesTests of LambdaStreaming.Testing run these tools.
        "npm install aws-lambda-ric", "go build ",

        // Tools of AWS, which require an account.
        "dotnet lambda ", "aws ", "aws configure", "aws sso login", "aws login",
    ];

    [Theory, MemberData(nameof(Page.Paths), MemberType = typeof(Page))]
    public void Page_EachCommand_NamesExistingTargets(string path)
    {
        var page = new Page(path);

        Assert.All([.. page.Commands, .. page.InlineCommands], command =>
        {
            if (Run.Match(command) is { Success: true } run)
                AssertProject(run.Groups["project"].Value, run.Groups["rest"].Value);
            else if (Package.Match(command) is { Success: true } package)
                AssertPackage(package.Groups["package"]);
            else if (Script.Match(command) is { Success: true } script)
                AssertScript(script.Groups["script"].Value, script.Groups["rest"].Success || IsBash(command));
            else
                Assert.Contains(Known, known => command.StartsWith(known, StringComparison.Ordinal));
        });
    }

    private static Regex Create(string pattern) => new(pattern, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));

    private static bool IsBash(string command) => command.StartsWith("bash ", StringComparison.Ordinal);

    private static void AssertPackage(Group package) => Assert.True(
        !package.Success || Directory.Exists(Path.Combine(Repository.Root, "src", package.Value)),
        $"src has no package {package.Value}.");

    // The program must contain the first word after the project, which is one of its commands.
    private static void AssertProject(string project, string arguments)
    {
        var folder = Path.Combine(Repository.Root, project);
        var projectFile = Path.Combine(folder, Path.GetFileName(folder) + ".csproj");
        Assert.True(File.Exists(projectFile), $"{project} is not a project.");
        var words =
            arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries).SkipWhile(word => word == "--").ToArray();
        if (words is not [var first, ..]) return;
        Assert.Contains(
            Directory.GetFiles(folder, "*.cs"),
            file => File.ReadAllText(file).Contains(first.TrimStart('-'), StringComparison.Ordinal));
    }

    private static void AssertScript(string script, bool isCommand)
    {
        var path = Path.Combine(Repository.Root, script);
        if (!isCommand && !script.EndsWith(".sh", StringComparison.Ordinal))
        {
            // A file or folder that the prose mentions.
            var exists = Path.Exists(path) || Path.Exists(path + ".cs") || path.Contains('*', StringComparison.Ordinal);
            Assert.True(exists, $"{script} does not exist.");
            return;
        }

        Assert.True(Path.Exists(path), $"{script} does not exist.");
        if (OperatingSystem.IsWindows() || !File.Exists(path) || !isCommand) return;
        var isExecutable = File.GetUnixFileMode(path).HasFlag(UnixFileMode.UserExecute);
        Assert.True(isExecutable, $"{script} is not executable.");
    }
}
