using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using LambdaStreaming.Payload;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>Reads the values of <c>--payload</c> and <c>--client-context</c>: text, a file or standard input.</summary>
/// <remarks>The values are checked before anything is sent.</remarks>
internal static class PayloadArgument
{
    // Bounds endless input. The service enforces its own limit, which is less than half of this.
    private const int MaxInputBytes = 16 * 1024 * 1024;

    public static async Task<ReadOnlyMemory<byte>> ReadAsync(
        string? argument,
        bool asIs,
        ToolConsole console,
        CancellationToken cancellationToken)
    {
        // Read standard input only on request: in a script, another command might need it.
        if (argument is null)
            return default;
        var payload = IsStandardInput(argument)
            ? await ReadInputAsync(console, cancellationToken)
            : await ReadTextOrFileAsync(argument, "--payload", cancellationToken);
        if (!asIs && payload.Length > 0 && GetJsonError(payload) is { } error)
        {
            throw ToolException.Usage(
                $"The payload is not valid JSON: {error}. Lambda accepts only JSON in UTF-8. "
                + $"{GetAdvice(argument, payload)} Nothing was sent.");
        }

        return payload;
    }

    public static async Task<string?> ReadClientContextAsync(string? argument, CancellationToken cancellationToken)
    {
        if (argument is null)
            return null;
        if (GetFile(argument) is null && !argument.TrimStart().StartsWith('{'))
        {
            var decoded = new byte[argument.Length];
            if (!Convert.TryFromBase64String(argument, decoded, out var length))
                throw ToolException.Usage("The client context is not JSON, @FILE or base64. Nothing was sent.");
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

    // The service rejects a client context that is not base64 of a JSON object. Source: boto3#2153.
    private static void RequireJsonObject(ReadOnlySpan<byte> json)
    {
        if (GetJsonError(json) is { } error)
            throw ToolException.Usage($"The client context is not valid JSON: {error}. Nothing was sent.");
        if (json.TrimStart(" \t\r\n"u8)[0] != '{')
            throw ToolException.Usage("The client context is not a JSON object. Nothing was sent.");
    }

    private static bool IsStandardInput(string argument) =>
        argument is "-" or "@-" || (GetFile(argument) is { } path && DescriptorStream.FromPath(path) == 0);

    /// <summary>Gets the path of <c>@FILE</c>, or of <c>file://FILE</c> and <c>fileb://FILE</c> as in the AWS CLI.</summary>
    private static string? GetFile(string argument)
    {
        foreach (var prefix in (ReadOnlySpan<string>)["@", "file://", "fileb://"])
        {
            if (argument.StartsWith(prefix, StringComparison.Ordinal))
                return argument[prefix.Length..];
        }

        return null;
    }

    /// <returns><see langword="null"/> if the bytes are valid JSON.</returns>
    private static string? GetJsonError(ReadOnlySpan<byte> json)
    {
        if (json.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
            return "it begins with a byte order mark; save it as UTF-8 without one";
        if (json.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || json.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
            return "it is UTF-16; save it as UTF-8";
        // Checked separately, because Utf8JsonReader does not validate the bytes of strings.
        if (!Utf8.IsValid(json))
            return $"the bytes at byte offset {ValidUtf8.CountBytes(json)} (zero-based) are not UTF-8";
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
            var line = (int)exception.LineNumber.GetValueOrDefault();
            return DescribeError(json, line, (int)exception.BytePositionInLine.GetValueOrDefault());
        }
    }

    private static string DescribeError(ReadOnlySpan<byte> json, int line, int byteInLine)
    {
        var remaining = json;
        for (var skipped = 0; skipped < line; skipped++)
            remaining = remaining[(remaining.IndexOf((byte)'\n') + 1)..];
        remaining = remaining[Math.Min(byteInLine, remaining.Length)..];
        var hasCharacter = Rune.DecodeFromUtf8(remaining, out var character, out _) == OperationStatus.Done;
        var error = hasCharacter ? $"unexpected '{character}'" : "unexpected end";
        return $"line {line + 1}, byte {byteInLine + 1}: {error}";
    }

    private static string GetAdvice(string argument, ReadOnlySpan<byte> payload)
    {
        if (IsBase64OfJson(payload))
            return "The value is base64 of JSON: specify the JSON itself.";
        if (argument == "-" || GetFile(argument) is not null)
            return "Use --as-is to send it anyway.";
        if (File.Exists(argument))
            return $"To send the file of that name, use {ShellText.Quote("@" + argument)}.";
        // Windows PowerShell 5.1 removes the inner quotation marks, and cmd does not know the outer ones. The
        // former also replaces characters outside ASCII that it sends to standard input.
        return OperatingSystem.IsWindows()
            ? "Use --payload file://FILE, or use --as-is to send it anyway."
            : "In a shell, quote it like '{\"name\":\"Ada\"}', or use --as-is to send it anyway.";
    }

    // By default, the AWS CLI expects base64.
    private static bool IsBase64OfJson(ReadOnlySpan<byte> payload)
    {
        var decoded = new byte[payload.Length];
        var text = Encoding.UTF8.GetString(payload);
        return Convert.TryFromBase64String(text, decoded, out var length)
            && length > 0
            && GetJsonError(decoded.AsSpan(0, length)) is null;
    }

    private static async Task<byte[]> ReadTextOrFileAsync(
        string argument,
        string option,
        CancellationToken cancellationToken)
    {
        if (GetFile(argument) is not { } path)
            return Encoding.UTF8.GetBytes(argument);
        if (path.Length == 0)
            throw ToolException.Usage($"{option}: {argument} is not followed by a file name. Use {argument}FILE.");
        try
        {
            if (Directory.Exists(path))
                throw ToolException.Usage($"{option}: {path} is a folder. Specify a file. Nothing was sent.");

            // Opening or reading a named pipe cannot be cancelled. It can be abandoned, because the program ends.
            return await Task.Run(() => ReadFileAsync(path), cancellationToken).WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ToolException.Usage(
                $"{option}: the file {path} cannot be read: {exception.Message.TrimEnd('.')}. Nothing was sent.");
        }
    }

    private static async Task<byte[]> ReadFileAsync(string path)
    {
        await using var file = File.OpenRead(path);
        return await ReadToEndAsync(file, $"The file {path}");
    }

    private static async Task<byte[]> ReadInputAsync(ToolConsole console, CancellationToken cancellationToken)
    {
        if (console.Input is DescriptorStream { IsClosed: true })
            throw ToolException.Usage("--payload: Standard input is closed. Nothing was sent.");
        if (console.InputIsTerminal)
        {
            var keys = OperatingSystem.IsWindows() ? "Ctrl-Z and Enter" : "Ctrl-D";
            console.WriteMessage($"reading the payload from the terminal; press {keys} to end it");
        }

        // Reading a terminal or a pipe cannot be cancelled. It can be abandoned, because the program ends.
        var read = Task.Run(() => ReadToEndAsync(console.Input, "Standard input"), cancellationToken);
        return await read.WaitAsync(cancellationToken);
    }

    private static async Task<byte[]> ReadToEndAsync(Stream stream, string name)
    {
        using var payload = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await stream.ReadAsync(buffer, CancellationToken.None) is > 0 and var count)
        {
            payload.Write(buffer, 0, count);
            if (payload.Length > MaxInputBytes)
            {
                throw ToolException.Usage(
                    $"{name} has more than 16 MiB. Lambda accepts at most 6 MB. Nothing was sent.");
            }
        }

        return payload.ToArray();
    }
}
