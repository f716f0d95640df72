namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The program that starts Lambda's runtime for a class library. It is a resource of this assembly.</summary>
internal static class DotNetHost
{
    private const string Resource = "LambdaStreaming.RuntimeHost.dll";

    // This mode does not store exceptions, for example of a full disk. Concurrent calls can extract several files.
    private static readonly Lazy<string> ExtractedPath = new(Extract, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The path of the program: a file that is deleted when this process ends normally.</summary>
    public static string FilePath => ExtractedPath.Value;

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
