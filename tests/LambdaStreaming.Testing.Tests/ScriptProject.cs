namespace LambdaStreaming.Testing.Tests;

/// <summary>A .NET project that references another one, and runs shell scripts to build and to handle calls.</summary>
/// <remarks>MSBuild needs about a second for it, because it does not use an SDK.</remarks>
internal sealed class ScriptProject
{
    // Writes its process id to a file, and responds with it.
    private const string Bootstrap = """
        #!/bin/sh
        echo $$ > ../id
        api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
        while true; do
          id=$(curl -sS -D - -o /dev/null "$api/next" | grep -i '^lambda-runtime-aws-request-id:' | tr -d ' \r' | cut -d: -f2)
          curl -sS -o /dev/null "$api/$id/response" -d "$$"
        done
        """;

    private readonly string _root;

    /// <param name="root">An empty folder.</param>
    /// <param name="build">
    /// The script that builds the project. It runs in the folder of the project, with the target framework as argument.
    /// </param>
    public ScriptProject(string root, string build)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a Unix shell.");
        _root = root;
        Path = GetPath("Chat/Chat.csproj");
        Write("Chat/Chat.csproj", """
            <Project>
              <PropertyGroup><TargetPath>$(MSBuildProjectDirectory)/bin/run.sh</TargetPath></PropertyGroup>
              <ItemGroup><ProjectReference Include="../Library/Library.csproj" /></ItemGroup>
              <Target Name="Build"><Exec Command="sh '$(MSBuildProjectDirectory)/build.sh' '$(TargetFramework)'" /></Target>
            </Project>
            """);
        Write("Chat/build.sh", build);
        Write("Library/Library.csproj", "<Project />");
        Write("Chat/bin/run.sh", Bootstrap);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(
                GetPath("Chat/bin/run.sh"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>The path of the project file. No other project has it.</summary>
    public string Path { get; }

    public string GetPath(string file) => System.IO.Path.Combine(_root, file);

    public void Write(string file, string text)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(GetPath(file))!);
        File.WriteAllText(GetPath(file), text);
    }

    /// <summary>Gives the project several target frameworks.</summary>
    /// <remarks>It has a target path only if it is built for one of them. The import is a file next to it.</remarks>
    public void SetTargetFrameworks(string frameworks, string? import = null)
    {
        var properties = $"<PropertyGroup><TargetFrameworks>{frameworks}</TargetFrameworks></PropertyGroup>";
        if (import is not null)
        {
            Write("Chat/" + import, $"<Project>{properties}</Project>");
            properties = $"<Import Project=\"{import}\" />";
        }

        var text = File.ReadAllText(Path);
        text = text.Replace(
            "<Project>", $"<Project>{properties}<Target Name=\"Restore\" />", StringComparison.Ordinal);
        text = text.Replace(
            "<TargetPath>", "<TargetPath Condition=\"'$(TargetFramework)' != ''\">", StringComparison.Ordinal);
        File.WriteAllText(Path, text);
    }

    /// <summary>Returns the command lines of the processes that name the folder of this project.</summary>
    public string[] FindBuilds()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Finds processes in /proc.");
        return [.. Directory.EnumerateDirectories("/proc").Select(ReadCommandLine)
            .Where(line => line.Contains(_root, StringComparison.Ordinal))];
    }

    private static string ReadCommandLine(string process)
    {
        try
        {
            return File.ReadAllText(System.IO.Path.Combine(process, "cmdline")).Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";  // not a process, or it has ended
        }
    }
}
