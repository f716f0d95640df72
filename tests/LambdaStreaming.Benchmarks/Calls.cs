using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;

namespace LambdaStreaming.Benchmarks;

/// <summary>Cost of a call compared with a plain POST.</summary>
/// <remarks>Measured over loopback, and with responses from memory to exclude thread wake-ups.</remarks>
internal static class Calls
{
    private const int Count = 300;
    private const string Function = "64-1";
    private static readonly Uri Service = new("http://127.0.0.1:1234");

    public static readonly BasicAWSCredentials Credentials = new(
        "AKIDEXAMPLE",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");

    public static async Task RunAsync(HttpClient raw, LambdaStreamingClient client, int rounds)
    {
        using var rawFromMemory = new HttpClient(new FromMemory()) { BaseAddress = Service };
        using var httpFromMemory = new HttpClient(new FromMemory()) { Timeout = Timeout.InfiniteTimeSpan };
        var options = new LambdaStreamingClientOptions
        {
            ServiceUrl = Service,
            Region = RegionEndpoint.USEast1,
            Credentials = Credentials,
        };
        using var clientFromMemory = new LambdaStreamingClient(options, httpFromMemory);
        var results = await Rounds.RunAsync(
            [
                new("POST over loopback", () => ManyAsync(() => Loopback.DiscardAsync(raw, Function))),
                new("this client over loopback", () => ManyAsync(() => Loopback.ClientAsync(client, Function))),
                new("the signer only", () => ManyAsync(SignAsync)),
                new("signer, POST and decoder over loopback", () => ManyAsync(() => DecodeAsync(raw))),
                new(
                    "POST, response from memory",
                    () => ManyAsync(() => Loopback.DiscardAsync(rawFromMemory, Function))),
                new(
                    "this client, response from memory",
                    () => ManyAsync(() => Loopback.ClientAsync(clientFromMemory, Function))),
            ],
            Count,
            rounds);

        Console.WriteLine("| a call with one chunk | µs | ÷ POST over loopback | B |");
        Console.WriteLine("| --- | --- | --- | --- |");
        foreach (var result in results)
        {
            var microseconds = result.Nanoseconds / 1000;
            Console.WriteLine(Rounds.Text(
                $"| {result.Name} | {microseconds:0.0} | {result.Spread} | {result.AllocatedBytes:0} |"));
        }

        var bytes = results[1].AllocatedBytes - results[2].AllocatedBytes - results[0].AllocatedBytes;
        var nanoseconds = results[5].Nanoseconds - results[4].Nanoseconds - results[2].Nanoseconds;
        Console.WriteLine(Rounds.Text(
            $"In addition to the signer and the POST, this client allocates {bytes:0} B ",
            $"and takes {nanoseconds / 1000:0.0} µs (from memory)."));
        Console.WriteLine();
    }

    private static async Task<long> ManyAsync(Func<Task> call)
    {
        for (var i = 0; i < Count; i++) await call();
        return Count;
    }

    // What a call needs at least: no retries, limits, telemetry, or protection against sending twice.
    private static async Task DecodeAsync(HttpClient raw)
    {
        await SignAsync();
        using var http = await Loopback.PostAsync(raw, Function);
        await using var response = InvokeWithResponseStreamResponse.Create(await http.Content.ReadAsStreamAsync());
        await foreach (var chunk in response.ReadChunksAsync())
        {
            if (chunk.Length == 0) throw new InvalidOperationException("No payload was received.");
        }
    }

    private static async Task SignAsync() => await AWSSigV4Signer.SignAsync(
        new AWSSigningRequest
        {
            HttpMethod = HttpMethod.Post,
            RequestUri = new Uri(Service, "/2021-11-15/functions/f/response-streaming-invocations"),
            ContentStream = new MemoryStream([]),
        },
        new AWSSigV4Parameters
        {
            Credentials = Credentials,
            Region = RegionEndpoint.USEast1,
            Service = "lambda",
            SignPayload = true,
        },
        CancellationToken.None);

    private sealed class FromMemory : HttpMessageHandler
    {
        private readonly byte[] _response = Wire.Create([64]);

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
            var response = new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StreamContent(new MemoryStream(_response)),
            };
            response.Content.Headers.TryAddWithoutValidation("Content-Type", "application/vnd.amazon.eventstream");
            response.Headers.TryAddWithoutValidation("x-amzn-RequestId", "0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11");
            return response;
        }
    }
}
