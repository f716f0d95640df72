using System.Diagnostics;
using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Rules of the scripts that only a release or another operating system would show.</summary>
public sealed class ScriptTests : IDisposable
{
    private const string DescribeStacks = "cloudformation describe-stacks";

    // What `aws cloudformation describe-stacks` does.
    private const string NoStack = "echo 'Stack with id my-app does not exist' >&2; return 254";
    private const string OwnStack =
        "echo 'Functions of the live check of LambdaStreaming. Delete the stack after the check.'";

    private static readonly Regex CommandBeforeBrace =
        new(@"\bsed .*[a-zA-Z]\}", RegexOptions.None, TimeSpan.FromSeconds(10));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private readonly string _folder = Directory.CreateTempSubdirectory("lambda-streaming-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task PackageIds_SourceFolder_ArePackableProjects()
    {
        var packable = Directory.GetFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Where(file => !File.ReadAllText(file).Contains("<IsPackable>false", StringComparison.Ordinal))
            .Select(file => Path.GetFileNameWithoutExtension(file));

        var ids = await RunAsync("source eng/release/common.sh; package_ids");

        Assert.Equal(packable.Order(StringComparer.Ordinal), ids.Order(StringComparer.Ordinal));
        Assert.All(ids, id => Assert.Contains($"- {id}", Repository.Read(".github", "ISSUE_TEMPLATE", "bug.yml")));
    }

    // For example, bash sorts the files of a pattern by the locale.
    [Fact]
    public async Task Common_AnyLocale_IsReplaced()
    {
        Assert.Equal(["C"], await RunAsync("export LC_ALL=POSIX; source eng/release/common.sh; echo $LC_ALL"));
    }

    // Not in the solution, because their packages are large or not locked.
    [Fact]
    public void Nightly_ProjectsOutsideTheSolution_AreBuiltWithAnalyzers()
    {
        string[] folders = ["src", "samples", "tests", "eng"], withoutRules = ["tests/PackCheck/", "tests/functions/"];
        var solution = Repository.Read("LambdaStreaming.Client.sln").Replace('\\', '/');
        var others = folders.Select(folder => Path.Combine(Repository.Root, folder))
            .SelectMany(folder => Directory.GetFiles(folder, "*.csproj", SearchOption.AllDirectories))
            .Select(file => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/'))
            .Where(file => !withoutRules.Any(folder => file.StartsWith(folder, StringComparison.Ordinal)))
            .Where(file => !solution.Contains($"\"{file}\"", StringComparison.Ordinal))
            .Select(file => file[..file.LastIndexOf('/')])
            .ToList();
        var function = Repository.Read("eng/nightly").Split("\nbuild_all() {")[1].Split("\n}\n")[0];

        Assert.Equal(["eng/mutation", "samples/AspireHost"], others.Order(StringComparer.Ordinal));
        Assert.All(others, project => Assert.Contains($" {project}", function, StringComparison.Ordinal));
        Assert.Contains("-p:RunAnalyzersDuringBuild=true", function, StringComparison.Ordinal);
    }

    // NuGet does not push the symbols of a package that it skips, for example when an incomplete run is repeated.
    [Fact]
    public async Task Publish_Packages_ArePushedAfterTheirDependenciesAndBeforeTheSymbols()
    {
        string[] ids = ["AspNetCore", "Aspire.Hosting", "Client", "Http", "Testing"];
        foreach (var id in ids)
        {
            File.WriteAllText(Path.Combine(_folder, $"LambdaStreaming.{id}.1.0.0.nupkg"), "");
            File.WriteAllText(Path.Combine(_folder, $"LambdaStreaming.{id}.1.0.0.snupkg"), "");
        }

        var pushes = await RunAsync(
            $$"""
            dotnet() { local file; [ "$1 $2" = "nuget push" ]; file=${3##*/LambdaStreaming.}; echo "$file ${*:4:1}"; }
            export -f dotnet
            NUGET_API_KEY=key bash eng/release/publish.sh '{{_folder}}'
            """);

        Assert.Equal(
            [
                "Client.1.0.0.nupkg --no-symbols", "Http.1.0.0.nupkg --no-symbols", "Testing.1.0.0.nupkg --no-symbols",
                "AspNetCore.1.0.0.nupkg --no-symbols", "Aspire.Hosting.1.0.0.nupkg --no-symbols",
                .. ids.Select(id => $"{id}.1.0.0.snupkg --source"),
            ],
            pushes);
    }

    // The release of a tag can fail before its packages are published.
    [Theory]
    [InlineData(
        "200 0.1.0",
        "LambdaStreaming.Client: nuget.org does not have 0.1.1",
        "LambdaStreaming.Client: compatible with LambdaStreaming.Client.0.1.0",
        "LambdaStreaming.Http: not compared, because an earlier version was not published",
        "0.1.2 is valid, compared with LambdaStreaming.Client.0.1.0")]
    [InlineData(
        "200 0.1.0 0.1.1",
        "LambdaStreaming.Client: compatible with LambdaStreaming.Client.0.1.1",
        "LambdaStreaming.Http: not compared, because an earlier version was not published",
        "0.1.2 is valid, compared with LambdaStreaming.Client.0.1.1")]
    [InlineData(
        "404",
        "LambdaStreaming.Client: not compared, because an earlier version was not published",
        "LambdaStreaming.Http: not compared, because an earlier version was not published",
        "0.1.2 is valid; not compared, because an earlier version was not published")]
    [InlineData("503", "failed")]
    [InlineData("", "failed")]
    public async Task Validate_TagsWithAndWithoutPackages_ComparesWithTheLastPublishedVersion(
        string published, params string[] expected)
    {
        var output = await ValidateAsync("0 1 2", published);

        Assert.Equal(expected.Select(line => "validate: " + line), output);
    }

    [Theory]
    [InlineData("200 0.1.0 0.1.2", "validate: failed")]
    [InlineData(
        "200 0.1.0-preview.1 0.1.2",
        "validate: 0.1.2 is valid; not compared, because an earlier version was not published")]
    public async Task Validate_CloneWithoutEarlierTags_FailsIfNuGetHasAnotherVersion(string published, string last)
    {
        Assert.Equal(last, (await ValidateAsync("2", published))[^1]);
    }

    /// <summary>Validates 0.1.2 of two packages, of which LambdaStreaming.Http was never published.</summary>
    /// <param name="tags">The tags, without "v0.1.".</param>
    /// <param name="published">Status and versions of LambdaStreaming.Client on nuget.org.</param>
    private async Task<string[]> ValidateAsync(string tags, string published)
    {
        Copy("eng/release/common.sh", "eng/release/validate.sh");
        foreach (var id in (string[])["LambdaStreaming.Client", "LambdaStreaming.Http"])
        {
            Write($"src/{id}/{id}.csproj", "<Project />");
            Write($"artifacts/release/packages/{id}.0.1.2.nupkg", "");
            Write($"artifacts/release/packages/{id}.0.1.2.snupkg", "");
        }

        return await RunAsync(
            $$"""
            git() { case $1 in tag) printf 'v0.1.%s\n' {{tags}};; rev-parse) echo abc;; esac; }
            unzip() { echo '<repository type="git" commit="abc" />'; }
            curl() {
              case $9 in
                https://api.nuget.org/v3-flatcontainer/lambdastreaming.client/index.json) set -- "$6" {{published}} ;;
                *) set -- "$6" 404 ;;
              esac
              [ $# -gt 1 ] || return 6
              printf '"%s"\n' "${@:3}" >"$1"
              echo "$2"
            }
            dotnet() {
              [ "$1 $2" = "package download" ] || return 0
              mkdir -p "$5/packages"
              touch "$5/packages/$(tr '@' . <<<"$3").nupkg"
            }
            export -f git unzip curl dotnet
            cd '{{_folder}}'
            bash eng/release/validate.sh 0.1.2 || echo 'validate: failed'
            """);
    }

    public static TheoryData<string, string> StacksThatMustNotChange => new()
    {
        { "", "echo 'My shop'" },
        { "--reuse", "echo 'My shop'" },
        { "--reuse", "echo 'AccessDenied' >&2; return 254" },
        { "", OwnStack },
        { "--reuse --sample", $"case $* in *my-app-sample*) echo 'My shop';; *) {OwnStack};; esac" },
    };

    [Theory, MemberData(nameof(StacksThatMustNotChange))]
    public async Task LiveCheck_StackIsNotItsOwn_ChangesNothing(string options, string describe)
    {
        var calls = await RunLiveCheckAsync(options, describe);

        Assert.Contains(DescribeStacks, calls);
        Assert.All(calls, call => Assert.Contains(call, (string[])["sts get-caller-identity", DescribeStacks]));
    }

    [Theory]
    [InlineData("", NoStack)]
    [InlineData("--reuse", NoStack)]
    [InlineData("--reuse", OwnStack)]
    public async Task LiveCheck_StackIsItsOwn_DeploysAndDeletesIt(string options, string describe)
    {
        var calls = await RunLiveCheckAsync(options, describe);

        Assert.Equal(
            [
                "sts get-caller-identity", DescribeStacks, "cloudformation deploy",
                "cloudformation delete-stack", "cloudformation wait",
            ],
            calls);
    }

    // The sed of macOS requires a semicolon between a command and a closing brace.
    [Fact]
    public void Scripts_SedPrograms_RunOnMacOS()
    {
        var scripts = Directory.GetFiles(Path.Combine(Repository.Root, "eng"), "*.sh", SearchOption.AllDirectories)
            .Append(Path.Combine(Repository.Root, "tests", "Live", "check"));

        Assert.All(scripts, script => Assert.DoesNotMatch(CommandBeforeBrace, File.ReadAllText(script)));
    }

    /// <summary>Runs tests/Live/check up to its calls of functions, and returns the commands of the AWS CLI.</summary>
    private async Task<string[]> RunLiveCheckAsync(string options, string describe)
    {
        Copy("tests/Live/check", "tests/Live/template.yaml", "tests/Live/index.js", "samples/Deploy/template.yaml");
        return await RunAsync(
            $$"""
            aws() {
              echo "$1 $2" >>'{{_folder}}/calls'
              case $2 in describe-stacks) {{describe}};; esac
            }
            dotnet() { return 1; }
            export -f aws dotnet
            if bash '{{_folder}}/tests/Live/check' --stack my-app {{options}} >/dev/null 2>&1; then exit 1; fi
            cat '{{_folder}}/calls'
            """);
    }

    private void Copy(params string[] files)
    {
        foreach (var file in files) Write(file, Repository.Read(file));
    }

    private void Write(string file, string text)
    {
        var path = Path.Combine(_folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private static async Task<string[]> RunAsync(string script)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The scripts of a release run on Linux and macOS.");
        var info = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", script])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
            WorkingDirectory = Repository.Root,
        };
        using var process = Process.Start(info)!;
        var output = await process.StandardOutput.ReadToEndAsync(Ct);
        await process.WaitForExitAsync(Ct);
        Assert.Equal(0, process.ExitCode);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
