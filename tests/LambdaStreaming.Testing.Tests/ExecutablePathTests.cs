using LambdaStreaming.Testing.RuntimeApi;

namespace LambdaStreaming.Testing.Tests;

public sealed class ExecutablePathTests : IDisposable
{
    private const UnixFileMode ReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Find_FirstFileIsNotExecutable_ReturnsTheExecutable()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no execute permission.");
        var data = Create("a/node", ReadWrite);
        var program = Create("b/node", ReadWrite | UnixFileMode.UserExecute);
        var path = $":{Path.GetDirectoryName(data)}:{Path.GetDirectoryName(program)}";

        Assert.Equal(program, ExecutablePath.Find("node", path));
    }

    private string Create(string file, UnixFileMode mode)
    {
        var path = Path.Combine(_folder.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
        return path;
    }
}
