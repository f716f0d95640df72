using LambdaStreaming.Testing.RuntimeApi;

namespace LambdaStreaming.Testing.Tests;

public sealed class SourceFilesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void FindChange_FolderIsInAnotherOne_ItsFilesCountOnce()
    {
        var project = _folder.CreateSubdirectory("Project");
        var library = project.CreateSubdirectory("Library");
        var other = _folder.CreateSubdirectory("Other");
        for (var i = 0; i < (SourceFiles.MaxFiles / 2) + 1; i++) File.Create(GetPath(library, $"{i}")).Dispose();
        var files = new SourceFiles(new([project.FullName, library.FullName, other.FullName], []));
        var added = GetPath(other, "added");
        File.WriteAllText(added, "");

        Assert.Equal((false, added), (files.IsTooLarge, files.FindChange()));
    }

    private static string GetPath(DirectoryInfo folder, string file) => Path.Combine(folder.FullName, file);
}
