namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The program that starts Lambda's runtime for a class library. It is a resource of this assembly.</summary>
internal static class DotNetHost
{
    private const string Resource = "LambdaStreaming.RuntimeHost.dll";

    private static readonly object Gate = new();
    private static string? _path;

    /// <summary>The path of the program: a file that is deleted when this process ends normally.</summary>
    /// <remarks>It is another file if the operating system deleted the first one, as an old temporary file.</remarks>
    public static string FilePath
    {
        get
        {
            lock (Gate) return File.Exists(_path) ? _path : _path = Extract();
        }
    }

    private static string Extract()
    {
        // Only the current user can access this folder.
        var folder = Directory.CreateTempSubdirectory("lambda-streaming-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Delete(folder);
        var path = Path.Combine(folder.FullName, Resource);
        try
        {
            using var source = typeof(DotNetHost).Assembly.GetManifestResourceStream(Resource)!;
            using var target = File.Create(path);
            source.CopyTo(target);
            return path;
        }
        catch (IOException)
        {
            Delete(folder);
            throw;
        }
    }

    private static void Delete(DirectoryInfo folder)
    {
        try
        {
            folder.Delete(recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A function that is still running uses the file.
        }
    }
}
