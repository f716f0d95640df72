using System.Globalization;
using System.Runtime.InteropServices;
using LambdaStreaming.Http;

[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]

namespace LambdaStreaming.Tool;

/// <summary>A stream over an inherited descriptor that uses the Unix system calls directly.</summary>
/// <remarks>
/// The streams of .NET are unsuitable: the console stream ignores a broken pipe, and <see cref="FileStream"/> tracks
/// its own file position. Both lose data if another process made the descriptor non-blocking.
/// </remarks>
internal sealed class DescriptorStream(int descriptor) : NonSeekableStream
{
    // Sources: errno.h, fcntl.h and poll.h of Linux and macOS.
    private const int GetDescriptorFlags = 1;
    private const int CloseOnExec = 1;
    private const int Interrupted = 4;
    private const short PollIn = 1;
    private const short PollOut = 4;

    private static readonly int WouldBlock = OperatingSystem.IsMacOS() ? 35 : 11;

    /// <summary>A standard stream that was closed when the program started.</summary>
    public static DescriptorStream Closed { get; } = new(-1);

    public bool IsClosed => descriptor < 0;

    public override bool CanWrite => true;

    /// <summary>Determines whether the descriptor was open when the program started.</summary>
    /// <remarks>
    /// .NET reuses the number of a closed standard stream for the first file or pipe that it opens. .NET sets O_CLOEXEC
    /// on all descriptors that it opens; an inherited descriptor cannot have that flag.
    /// </remarks>
    public static bool IsInherited(int descriptor) =>
        GetFlags(descriptor, GetDescriptorFlags) is >= 0 and var flags && (flags & CloseOnExec) == 0;

    /// <summary>Gets the descriptor number of a path such as <c>/dev/fd/3</c> or <c>/dev/stdout</c>.</summary>
    /// <returns><see langword="null"/> if the path does not name a descriptor.</returns>
    public static int? FromPath(string path)
    {
        if (OperatingSystem.IsWindows())
            return null;
        if (Array.IndexOf(["/dev/stdin", "/dev/stdout", "/dev/stderr"], path) is >= 0 and var standard)
            return standard;
        var prefix = Array.Find(
            ["/dev/fd/", "/proc/self/fd/"],
            prefix => path.StartsWith(prefix, StringComparison.Ordinal));
        var number = path.AsSpan(prefix?.Length ?? path.Length);
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var result)
            ? result
            : null;
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        while (true)
        {
            var count = Read(descriptor, ref MemoryMarshal.GetReference(buffer), buffer.Length);
            if (count >= 0)
                return (int)count;
            WaitOrThrow(PollIn);
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (IsClosed)
            throw new ToolException(ExitCode.Local, "Standard output is closed.");
        while (!buffer.IsEmpty)
        {
            var count = Write(descriptor, ref MemoryMarshal.GetReference(buffer), buffer.Length);
            if (count >= 0)
                buffer = buffer[(int)count..];
            else
                WaitOrThrow(PollOut);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        new(Task.Run(() => Read(buffer.Span), cancellationToken));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        new(Task.Run(() => Write(buffer.Span), cancellationToken));

    private void WaitOrThrow(short events)
    {
        var error = Marshal.GetLastPInvokeError();
        if (error == WouldBlock)
        {
            var poll = new PollDescriptor { Descriptor = descriptor, Events = events };
            _ = Poll(ref poll, 1, -1);
        }
        else if (error != Interrupted)
        {
            throw new IOException($"descriptor {descriptor}: {Marshal.GetPInvokeErrorMessage(error)}", error);
        }
    }

    [DllImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static extern int GetFlags(int descriptor, int command);

    [DllImport("libc", EntryPoint = "read", SetLastError = true)]
    private static extern nint Read(int descriptor, ref byte buffer, nint count);

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    private static extern nint Write(int descriptor, ref byte buffer, nint count);

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static extern int Poll(ref PollDescriptor descriptor, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short ReceivedEvents;
    }
}
