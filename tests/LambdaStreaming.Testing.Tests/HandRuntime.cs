using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace LambdaStreaming.Testing.Tests;

/// <summary>A function whose processes do nothing but live: the test itself speaks the Runtime API for them.</summary>
internal sealed class HandRuntime : IDisposable
{
    private const string Root = "/2018-06-01/runtime/";

    private readonly Channel<(int Process, string Address)> _started = Channel.CreateUnbounded<(int, string)>();
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(30) };

    public HandRuntime(int maxProcesses = 10) => Options = new RuntimeProcessOptions("/bin/sh")
    {
        Arguments = ["-c", "echo $$ $AWS_LAMBDA_RUNTIME_API; exec sleep 3600"],
        MaxProcesses = maxProcesses,
        OutputReceived = line =>
        {
            if (line.Split(' ') is [var process, var address]) _started.Writer.TryWrite((int.Parse(process), address));
        },
    };

    public RuntimeProcessOptions Options { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static void Needed() => Assert.SkipUnless(!OperatingSystem.IsWindows(), "Needs a Unix shell.");

    public async Task<Instance> NextProcessAsync()
    {
        (var process, var address) = await _started.Reader.ReadAsync(Token).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Token);
        return new(_http, process, address);
    }

    public bool HasAnotherProcess() => _started.Reader.TryPeek(out _);

    public void Dispose() => _http.Dispose();

    /// <summary>One process.</summary>
    internal sealed class Instance(HttpClient http, int process, string address)
    {
        public int Process => process;

        public int Port => Uri("").Port;

        /// <summary>Asks for a call.</summary>
        public async Task<HttpResponseMessage> NextAsync(Action<HttpRequestHeaders>? headers = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Uri("invocation/next"));
            headers?.Invoke(request.Headers);
            return await http.SendAsync(request, Token);
        }

        public async Task<string> NextIdAsync()
        {
            using var next = await NextAsync();
            return next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single();
        }

        public Task<HttpResponseMessage> RespondAsync(string id, string text) => PostAsync($"invocation/{id}/response", text);

        public async Task<HttpResponseMessage> PostAsync(string path, string text, params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Uri(path)) { Content = new StringContent(text) };
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

        /// <summary>Streams an answer that ends with trailers, which HttpClient cannot send; or, without them, leaves it open.</summary>
        public async Task<TcpClient> StreamAsync(string id, string text, string? trailers)
        {
            var connection = new TcpClient();
            await connection.ConnectAsync(address.Split(':')[0], int.Parse(address.Split(':')[1]), Token);
            var head = $"POST {Root}invocation/{id}/response HTTP/1.1\r\nHost: {address}\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"
                + "Trailer: Lambda-Runtime-Function-Error-Type\r\nTrailer: Lambda-Runtime-Function-Error-Body\r\nTransfer-Encoding: chunked\r\n\r\n";
            var end = trailers is null ? "" : $"0\r\n{trailers}\r\n";
            await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"{head}{text.Length:x}\r\n{text}\r\n{end}"), Token);
            return connection;
        }

        public void Kill()
        {
            using var running = System.Diagnostics.Process.GetProcessById(process);
            running.Kill();
        }

        private Uri Uri(string path) => new($"http://{address}{Root}{path}");
    }
}
