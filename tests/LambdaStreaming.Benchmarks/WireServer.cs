using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LambdaStreaming.Soak;

namespace LambdaStreaming.Benchmarks;

/// <summary>
/// A server in another process that writes prepared responses to the socket without a server framework.
/// </summary>
/// <remarks>
/// The function name defines the response. <c>SIZE-COUNT</c>: COUNT chunks of SIZE bytes in HTTP chunks of 64 KiB.
/// <c>drip-COUNT</c>: COUNT chunks of 64 bytes, each in a separate write.
/// </remarks>
internal sealed class WireServer : IDisposable
{
    public const string Command = "serve-wire";

    /// <summary>
    /// Prefix of <c>SIZE-COUNT</c> for a response that begins with a prelude of the HTTP integration.
    /// </summary>
    public const string HttpPrefix = "http-";

    /// <summary>Prefix of <c>SIZE-COUNT</c> for a response with an HTTP chunk for each message.</summary>
    public const string EachPrefix = "each-";

    /// <summary>Prefix of <c>SIZE-COUNT</c> for payloads without an event stream, each in an HTTP chunk.</summary>
    public const string PlainPrefix = "plain-";

    private const int HttpChunkBytes = 64 * 1024;

    private static readonly byte[] ResponseHeaders = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\n"
        + "Content-Type: application/vnd.amazon.eventstream\r\n"
        + "x-amzn-RequestId: 0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11\r\n"
        + "Transfer-Encoding: chunked\r\n\r\n");

    private static readonly byte[] HttpPrelude =
    [
        .. """{"statusCode":200,"headers":{"content-type":"text/event-stream","x-custom":"1"},"cookies":[]}"""u8,
        .. new byte[8],
    ];

    private readonly Process _process;

    private WireServer(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    public static async Task<WireServer> StartAsync()
    {
        var process = ServerProcess.StartSelf(Command);
        var url = await process.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException("The server did not start.");
        return new WireServer(process, new Uri(url));
    }

    /// <summary>Serves until standard input ends.</summary>
    /// <remarks>Runs in the other process. Its input ends with the parent process, so it does not outlive it.</remarks>
    public static async Task<int> ServeAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Console.WriteLine($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        _ = AcceptAsync(listener);
        await Console.In.ReadToEndAsync();
        return 0;
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static async Task AcceptAsync(TcpListener listener)
    {
        while (true) _ = ServeAsync(await listener.AcceptSocketAsync());
    }

    private static async Task ServeAsync(Socket socket)
    {
        using var _ = socket;
        socket.NoDelay = true;
        var prepared = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var buffer = new byte[64 * 1024];
        try
        {
            while (await ReadFunctionAsync(socket, buffer) is { } function)
            {
                if (function.StartsWith("drip-", StringComparison.Ordinal))
                {
                    await DripAsync(socket, int.Parse(function[5..], CultureInfo.InvariantCulture));
                    continue;
                }

                if (!prepared.TryGetValue(function, out var response))
                    prepared[function] = response = Prepare(function);
                await socket.SendAsync(response);
            }
        }
        catch (SocketException)
        {
            // The client has disconnected.
        }
    }

    private static async Task DripAsync(Socket socket, int count)
    {
        await socket.SendAsync(ResponseHeaders);
        var chunk = EncodeHttpChunk(Wire.Chunk(64));
        for (var i = 0; i < count; i++)
        {
            await Task.Delay(1);
            await socket.SendAsync(chunk);
        }

        await socket.SendAsync((byte[])[.. EncodeHttpChunk(Wire.Complete()), .. "0\r\n\r\n"u8]);
    }

    private static byte[] Prepare(string function)
    {
        var parts = function.Split('-');
        var size = int.Parse(parts[^2], CultureInfo.InvariantCulture);
        var count = int.Parse(parts[^1], CultureInfo.InvariantCulture);
        var wire = Wire.Create(Enumerable.Repeat(size, count));
        var prelude = Wire.Create([HttpPrelude]).AsSpan(..^Wire.Complete().Length);
        var chunks = (parts.Length == 3 ? $"{parts[0]}-" : "") switch
        {
            EachPrefix => Enumerable.Repeat(Wire.Chunk(size), count).Append(Wire.Complete()),
            PlainPrefix => Enumerable.Repeat(new byte[size], count),
            HttpPrefix => ((byte[])[.. prelude, .. wire]).Chunk(HttpChunkBytes),
            _ => wire.Chunk(HttpChunkBytes),
        };
        using var response = new MemoryStream();
        response.Write(ResponseHeaders);
        foreach (var chunk in chunks) response.Write(EncodeHttpChunk(chunk));
        response.Write("0\r\n\r\n"u8);
        return response.ToArray();
    }

    private static byte[] EncodeHttpChunk(ReadOnlySpan<byte> bytes)
    {
        var length = bytes.Length.ToString("x", CultureInfo.InvariantCulture);
        return [.. Encoding.ASCII.GetBytes(length), .. "\r\n"u8, .. bytes, .. "\r\n"u8];
    }

    private static async Task<string?> ReadFunctionAsync(Socket socket, byte[] buffer)
    {
        var length = 0;
        while (!IsComplete(buffer.AsSpan(0, length)))
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(length));
            if (count == 0) return null;
            length += count;
        }

        return Encoding.ASCII.GetString(buffer, 0, length).Split('/')[3];
    }

    private static bool IsComplete(ReadOnlySpan<byte> request)
    {
        var headers = request.IndexOf("\r\n\r\n"u8) + 4;
        if (headers < 4) return false;
        const string Name = "\r\nContent-Length: ";
        var text = Encoding.ASCII.GetString(request[..headers]);
        var at = text.IndexOf(Name, StringComparison.OrdinalIgnoreCase);
        if (at < 0) return true;
        return Utf8Parser.TryParse(request[(at + Name.Length)..], out int bodyBytes, out _)
            && request.Length == headers + bodyBytes;
    }
}
