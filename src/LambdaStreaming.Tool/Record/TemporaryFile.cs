namespace LambdaStreaming.Tool.Record;

/// <summary>A new file in the folder for temporary files, which is deleted at the end.</summary>
internal sealed class TemporaryFile : IDisposable
{
    private TemporaryFile(string path) => FilePath = path;

    public string FilePath { get; }

    /// <summary>Creates the file before the function is invoked.</summary>
    /// <remarks>A function must not run if its response cannot be written.</remarks>
    public static TemporaryFile Create()
    {
        try
        {
            return new TemporaryFile(Path.GetTempFileName());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(
                ExitCode.Local,
                $"No temporary file can be created in {Path.GetTempPath()}: {exception.Message.TrimEnd('.')}. "
                + "Nothing was sent.",
                exception);
        }
    }

    public void Dispose()
    {
        try
        {
            File.Delete(FilePath);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The recording has been written or has failed already.
        }
    }
}
