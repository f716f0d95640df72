using System.Runtime.InteropServices;
using System.Text;
using LambdaStreaming.Testing;
using Microsoft.Win32.SafeHandles;

namespace LambdaStreaming.Tool.Tests;

/// <summary>Standard streams that are closed, full, or non-blocking because of another process.</summary>
public sealed class StandardStreamTests
{
    // Source: fcntl.h of Linux.
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

    private static readonly TimeSpan TestTimeout = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("invoke f --payload - <&-", 2, "Standard input is closed")]
    [InlineData("invoke f --payload @/dev/stdin <&-", 2, "Standard input is closed")]
    [InlineData("invoke f <&- >&-", 1, "Standard output is closed")]
    [InlineData("invoke f --output /dev/stdout <&- >&-", 1, "Standard output is closed")]
    [InlineData("invoke f --output /dev/fd/8 <&-", 1, "Descriptor 8 is not open")]
    [InlineData("record f --to - <&- >&-", 1, "Standard output is closed")]
    [InlineData("serve --port 0 --function f=exec:/bin/true <&- >&-", 1, "Standard output is closed")]
    [InlineData("--help <&- >&-", 1, "Standard output is closed")]
    [InlineData("serve --port 0 --demo > /dev/full", 1, "descriptor 1: ")]
    public async Task AnyCommand_RequiredStreamCannotBeUsed_FailsAndNamesTheStream(
        string command,
        int exitCode,
        string message)
    {
        SkipUnlessLinux();
        using var folder = new TemporaryFolder();
        await using var server = await ServeAsync("response");

        var script = $"timeout 30 \"$1\" {command} 2> \"$2\"; echo $?";
        var output = await RunShellAsync(server, script, folder.File("error"));

        var error = await File.ReadAllTextAsync(folder.File("error"), TestContext.Current.CancellationToken);
        Assert.Equal($"{exitCode}\n", output);
        Assert.StartsWith("lambda-stream: ", error);
        Assert.Contains(message, error);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Invoke_AllStreamsAreClosed_OutputFileIsComplete()
    {
        SkipUnlessLinux();
        using var folder = new TemporaryFolder();
        await using var server = await ServeAsync("response");

        const string Script = "\"$1\" invoke f --output \"$2\" <&- >&- 2>&-; echo $?";
        var output = await RunShellAsync(server, Script, folder.File("response"));

        Assert.Equal("0\n", output);
        var content = await File.ReadAllTextAsync(folder.File("response"), TestContext.Current.CancellationToken);
        Assert.Equal("response", content);
    }

    [Theory]
    [InlineData(">&")]
    [InlineData("--output /dev/fd/")]
    public async Task Invoke_OutputIsANonBlockingPipe_ResponseIsComplete(string option)
    {
        SkipUnlessLinux();
        var text = string.Concat(Enumerable.Range(0, 25_000).Select(number => $"{number} "));
        await using var server = await ServeAsync(text);
        var (reader, writer) = CreatePipe();
        using (reader)
        using (writer)
        {
            await using var stream = new DescriptorStream((int)reader.DangerousGetHandle());
            var filled = Fill(writer);
            var run = RunShellAsync(server, $"\"$1\" invoke f {option}{writer.DangerousGetHandle()}; echo $?", "");

            // Keep the pipe full until the server has sent the complete response, so that the program must wait for the
            // pipe.
            var waiting = server.WaitForRequestAsync(TestContext.Current.CancellationToken);
            var request = await waiting.WaitAsync(TestTimeout);
            await request.Completed.WaitAsync(TestTimeout);
            var bytes = new byte[filled + text.Length];
            await stream.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken).AsTask().WaitAsync(TestTimeout);

            Assert.Equal("0\n", await run);
            Assert.Equal(text, Encoding.UTF8.GetString(bytes.AsSpan(filled)));
        }
    }

    [Fact]
    public async Task ReadAsync_NonBlockingPipeIsEmpty_WaitsForBytesAndForTheEnd()
    {
        SkipUnlessLinux();
        var (reader, writer) = CreatePipe(CloseOnExec);
        using (reader)
        {
            await using var stream = new DescriptorStream((int)reader.DangerousGetHandle());
            var bytes = new byte[8];

            var first = stream.ReadAsync(bytes, TestContext.Current.CancellationToken);
            Assert.Equal(3, (int)Write(writer, "abc"u8.ToArray(), 3));
            Assert.Equal(3, await first.AsTask().WaitAsync(TestTimeout));

            var second = stream.ReadAsync(bytes, TestContext.Current.CancellationToken);
            writer.Dispose();
            Assert.Equal(0, await second.AsTask().WaitAsync(TestTimeout));
        }
    }

    private static void SkipUnlessLinux() =>
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Requires the descriptors of Linux.");

    private static Task<LocalLambdaServer> ServeAsync(string text) => LocalLambdaServer.StartAsync(options =>
        options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync(text, ct)));

    private static Task<string> RunShellAsync(LocalLambdaServer server, string script, string file) =>
        Interop.RunAsync(server, "bash", "-c", script, "bash", ToolProcess.Path, file);

    // Child processes inherit both ends unless CloseOnExec is set.
    private static (SafeFileHandle Reader, SafeFileHandle Writer) CreatePipe(int flags = 0)
    {
        var ends = new int[2];
        Assert.Equal(0, Pipe(ends, NonBlocking | flags));
        return (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true));
    }

    private static int Fill(SafeFileHandle writer)
    {
        var filled = 0;
        while (Write(writer, new byte[4096], 4096) is > 0 and var count)
            filled += (int)count;
        return filled;
    }

    [DllImport("libc", EntryPoint = "pipe2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Pipe(int[] ends, int flags);

    [DllImport("libc", EntryPoint = "write")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Write(SafeFileHandle file, byte[] bytes, nint count);
}
