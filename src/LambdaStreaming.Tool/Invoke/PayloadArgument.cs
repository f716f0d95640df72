using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>What <c>--payload</c> and <c>--client-context</c> stand for: text, a file or standard input; checked before anything is sent.</summary>
internal static class PayloadArgument
{
    // Twice what the service takes; its own limit is its to judge, an endless input ours to stop.
    private const int MaxInputBytes = 16 * 1024 * 1024;

    public static async Task<ReadOnlyMemory<byte>> ReadAsync(string? argument, bool asIs, ToolConsole console, CancellationToken cancellationToken)
    {
        // Standard input that nobody asked for is left alone: in a script it may be somebody else's.
        if (argument is null) return default;
        var payload = argument is "-" or "@-" || (argument.StartsWith('@') && DescriptorStream.FromPath(argument[1..]) == 0)
            ? await ReadInputAsync(console, cancellationToken)
            : await ReadTextOrFileAsync(argument, "--payload", cancellationToken);
        if (!asIs && payload.Length > 0 && GetJsonError(payload) is { } wrong)
            throw ToolException.Usage($"The payload is not JSON: {wrong}. Lambda accepts only JSON in UTF-8. {Advice(argument)} Nothing was sent.");
        return payload;
    }

    public static async Task<string?> ReadClientContextAsync(string? argument, CancellationToken cancellationToken)
    {
        if (argument is null) return null;
        if (!argument.StartsWith('@') && !argument.StartsWith('{'))
        {
            var decoded = new byte[argument.Length];
            if (!Convert.TryFromBase64String(argument, decoded, out var length))
                throw ToolException.Usage("The client context is neither a JSON object, nor @FILE, nor base64. Nothing was sent.");
            RequireJsonObject(decoded.AsSpan(0, length));
            return argument;
        }

        var json = await ReadTextOrFileAsync(argument, "--client-context", cancellationToken);
        RequireJsonObject(json);
        try
        {
            return InvokeWithResponseStreamRequest.EncodeClientContext(Encoding.UTF8.GetString(json));
        }
        catch (ArgumentException exception)
        {
            throw ToolException.Usage($"--client-context: {exception.Message} Nothing was sent.");
        }
    }

    // Source: boto3#2153: the service refuses a client context that is not base64 of a JSON object.
    private static void RequireJsonObject(ReadOnlySpan<byte> json)
    {
        if (GetJsonError(json) is { } wrong) throw ToolException.Usage($"The client context is not JSON: {wrong}. Nothing was sent.");
        if (json.TrimStart(" \t\r\n"u8)[0] != '{') throw ToolException.Usage("The client context is not a JSON object. Nothing was sent.");
    }

    /// <returns><see langword="null"/> for JSON.</returns>
    internal static string? GetJsonError(ReadOnlySpan<byte> json)
    {
        if (json.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) return "it begins with a byte order mark; save it as UTF-8 without one";
        if (json.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || json.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF])) return "it is UTF-16; save it as UTF-8";
        if (IndexOfInvalidUtf8(json) is >= 0 and var offset) return $"the bytes at byte offset {offset} (zero-based) are not UTF-8";
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
            while (reader.Read())
            {
            }

            return null;
        }
        catch (JsonException exception)
        {
            return Locate(json, (int)exception.LineNumber.GetValueOrDefault(), (int)exception.BytePositionInLine.GetValueOrDefault());
        }
    }

    private static string Locate(ReadOnlySpan<byte> json, int line, int byteInLine)
    {
        var rest = json;
        for (var skipped = 0; skipped < line; skipped++) rest = rest[(rest.IndexOf((byte)'\n') + 1)..];
        rest = rest[Math.Min(byteInLine, rest.Length)..];
        var what = Rune.DecodeFromUtf8(rest, out var character, out _) == OperationStatus.Done ? $"'{character}' is not expected" : "it ends too early";
        return string.Create(CultureInfo.InvariantCulture, $"line {line + 1}, byte {byteInLine + 1}: {what}");
    }

    // Utf8JsonReader does not look at the bytes of strings.
    private static int IndexOfInvalidUtf8(ReadOnlySpan<byte> text)
    {
        if (Utf8.IsValid(text)) return -1;
        var offset = 0;
        while (Rune.DecodeFromUtf8(text[offset..], out _, out var length) == OperationStatus.Done) offset += length;
        return offset;
    }

    private static string Advice(string argument)
    {
        if (argument.StartsWith('@') || argument == "-") return "--as-is sends its bytes anyway.";
        if (File.Exists(argument)) return $"To send the file of that name, write @{argument}.";
        return "In a shell, put it in single quotes, and texts within it in double quotes, like '{\"name\":\"Ada\"}'; --as-is sends it anyway.";
    }

    private static async Task<byte[]> ReadTextOrFileAsync(string argument, string option, CancellationToken cancellationToken)
    {
        if (!argument.StartsWith('@')) return Encoding.UTF8.GetBytes(argument);
        var path = argument[1..];
        if (path.Length == 0) throw ToolException.Usage($"{option} @ names no file: write @FILE.");
        try
        {
            if (Directory.Exists(path)) throw ToolException.Usage($"{option}: {path} is a folder; name a file in it. Nothing was sent.");

            // To open or read a named pipe can't be cancelled; leaving it behind is enough, the program ends.
            return await Task.Run(() => ReadFileAsync(path), cancellationToken).WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ToolException.Usage($"{option}: the file {path} can't be read: {exception.Message} Nothing was sent.");
        }
    }

    private static async Task<byte[]> ReadFileAsync(string path)
    {
        await using var file = File.OpenRead(path);
        return await ReadToEndAsync(file, path, CancellationToken.None);
    }

    private static async Task<byte[]> ReadInputAsync(ToolConsole console, CancellationToken cancellationToken)
    {
        if (console.Input is DescriptorStream { IsClosed: true }) throw ToolException.Usage("--payload: Standard input is closed. Nothing was sent.");
        if (console.InputIsTerminal) console.Say($"reading the payload from the terminal; {(OperatingSystem.IsWindows() ? "Ctrl-Z and Enter end" : "Ctrl-D ends")} it");

        // A read of a terminal or pipe can't be cancelled; leaving it behind is enough, the program ends.
        return await Task.Run(() => ReadToEndAsync(console.Input, "standard input", CancellationToken.None), cancellationToken).WaitAsync(cancellationToken);
    }

    private static async Task<byte[]> ReadToEndAsync(Stream stream, string name, CancellationToken cancellationToken)
    {
        using var payload = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and int count)
        {
            payload.Write(buffer, 0, count);
            if (payload.Length > MaxInputBytes) throw ToolException.Usage($"{name} has more than 16 MiB; Lambda takes a payload of 6 MB. Nothing was sent.");
        }

        return payload.ToArray();
    }
}
