using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace LambdaStreaming.Testing.Tests;

/// <summary>A function whose processes only sleep. The test sends the Runtime API requests for them.</summary>
internal sealed class FakeRuntime : IDisposable
{
    private const string Root = "/2018-06-01/runtime/";

    private readonly Channel<(int Process, string Address)> _started = Channel.CreateUnbounded<(int, string)>();
    private readonly HttpClient _http =
        new(new SocketsHttpHandler { UseProxy = false, RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 })
        {
            Timeout = TimeSpan.FromSeconds(30),
        };

    public FakeRuntime(int maxProcesses = 10, int concurrencyPerProcess = 1) => Options = new("/bin/sh")
    {
        Arguments = ["-c", "echo $$ $AWS_LAMBDA_RUNTIME_API; exec sleep 3600"],
        MaxProcesses = maxProcesses,
        ConcurrencyPerProcess = concurrencyPerProcess,
        OutputReceived = line =>
        {
            if (line.Split(' ') is [var process, var address]) _started.Writer.TryWrite((int.Parse(process), address));
        },
    };

    public RuntimeProcessOptions Options { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static void SkipIfNotSupported() => Assert.SkipUnless(!OperatingSystem.IsWindows(), "Needs a Unix shell.");

    public async Task<Instance> NextProcessAsync()
    {
        (var process, var address) = await _started.Reader.ReadAsync(Token).AsTask()
            .WaitAsync(TimeSpan.FromSeconds(30), Token);
        return new(_http, process, address);
    }

    public bool HasAnotherProcess() => _started.Reader.TryPeek(out _);

    public void Dispose() => _http.Dispose();

    /// <summary>A process of the function.</summary>
    internal sealed class Instance(HttpClient http, int process, string address)
    {
        public int Process => process;

        public int Port => CreateUri("").Port;

        /// <summary>Requests an invocation.</summary>
        public async Task<HttpResponseMessage> NextAsync(Action<HttpRequestHeaders>? headers = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, CreateUri("invocation/next"));
            headers?.Invoke(request.Headers);
            return await http.SendAsync(request, Token);
        }

        public async Task<string> NextIdAsync()
        {
            using var next = await NextAsync();
            return next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single();
        }

        public Task<HttpResponseMessage> RespondAsync(string id, string text) =>
            PostAsync($"invocation/{id}/response", text);

        public async Task<HttpResponseMessage> PostAsync(
            string path, string text, params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, CreateUri(path));
            request.Content = new StringContent(text);
            foreach ((var name, var value) in headers)
            {
                if (!request.Headers.TryAddWithoutValidation(name, value))
                {
                    request.Content.Headers.Remove(name);
                    request.Content.Headers.TryAddWithoutValidation(name, value);
                }
            }

            return await http.SendAsync(request, Token);
        }

        /// <summary>Posts a streaming response that ends with trailers, which HttpClient cannot send.</summary>
        /// <remarks>Without trailers, the response stays incomplete.</remarks>
        public async Task<TcpClient> StartStreamingAsync(string id, string text, string? trailers)
        {
            var connection = new TcpClient();
            await connection.ConnectAsync(address.Split(':')[0], int.Parse(address.Split(':')[1]), Token);
            var headers = $"POST {Root}invocation/{id}/response HTTP/1.1\r\n"
                + $"Host: {address}\r\n"
                + "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
                + "Trailer: Lambda-Runtime-Function-Error-Type\r\n"
                + "Trailer: Lambda-Runtime-Function-Error-Body\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n";
            var end = trailers is null ? "" : $"0\r\n{trailers}\r\n";
            var request = $"{headers}{text.Length:x}\r\n{text}\r\n{end}";
            await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Token);
            return connection;
        }

        /// <summary>Opens a connection and sends the beginning of a request, byte by byte as given.</summary>
        /// <param name="request">The request. <c>{address}</c> is replaced by host and port.</param>
        public async Task<TcpClient> SendRawAsync(string request)
        {
            var connection = new TcpClient();
            await connection.ConnectAsync(address.Split(':')[0], Port, Token);
            var bytes = Encoding.Latin1.GetBytes(request.Replace("{address}", address, StringComparison.Ordinal));
            await connection.GetStream().WriteAsync(bytes, Token);
            return connection;
        }

        public void Kill()
        {
            using var running = System.Diagnostics.Process.GetProcessById(process);
            running.Kill();
        }

        private Uri CreateUri(string path) => new($"http://{address}{Root}{path}");
    }
}
