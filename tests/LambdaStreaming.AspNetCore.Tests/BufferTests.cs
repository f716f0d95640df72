using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>An answer whose body nobody reads keeps no buffer: the array that it was read into goes back to the pool.</summary>
public class BufferTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("POST", "{\"statusCode\":204}\0\0\0\0\0\0\0\0")]
    [InlineData("POST", "{\"statusCode\":304}\0\0\0\0\0\0\0\0")]
    [InlineData("POST", "{\"statusCode\":700}\0\0\0\0\0\0\0\0")]
    [InlineData("HEAD", "{\"statusCode\":200}\0\0\0\0\0\0\0\0")]
    [InlineData("HEAD", "no prelude")]
    public async Task Answer_WithoutABody_BuffersGoBackAtOnce(string method, string payload)
    {
        using var readInto = new WatchedArrays();
        await using var lambda = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("web", async (_, response, ct) =>
            {
                await response.WriteAsync(Encoding.UTF8.GetBytes(payload), ct);
                await Task.Delay(Timeout.InfiniteTimeSpan, ct);
            }),
            Token);
        var settings = new LambdaStreamingClientOptions { ServiceUrl = lambda.ServiceUrl, Region = lambda.Region, Credentials = lambda.Credentials };
        using var http = new HttpClient(new WatchedReads(readInto, LambdaStreamingClient.CreateHandler(settings)));
        using var client = new LambdaStreamingClient(settings, http);
        await using var app = await WebApp.StartAsync(_ => { }, map => map.MapLambdaStream("/chat", "web", options =>
        {
            options.Methods.Add(method);
            options.Client = _ => client;
        }));
        using var request = new HttpRequestMessage(new HttpMethod(method), "/chat");

        using var response = await app.SendAsync(request, Token);

        await readInto.WaitForReturnsAsync().WaitAsync(Patience, Token);
    }

    /// <summary>Tells which arrays the reader of an answer hands over to be filled.</summary>
    private sealed class WatchedReads(WatchedArrays arrays, HttpMessageHandler innerHandler) : DelegatingHandler(innerHandler)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            var content = new StreamContent(new WatchedStream(arrays, await response.Content.ReadAsStreamAsync(cancellationToken)));
            foreach (var header in response.Content.Headers) content.Headers.TryAddWithoutValidation(header.Key, header.Value);
            response.Content = content;
            return response;
        }
    }

    private sealed class WatchedStream(WatchedArrays arrays, Stream inner) : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.Length > 0 && MemoryMarshal.TryGetArray<byte>(buffer, out var segment)) arrays.Watch(segment.Array!);
            return inner.ReadAsync(buffer, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>Sees by the pool's own events, which name an array by its hash code, that arrays in use go back.</summary>
    private sealed class WatchedArrays : EventListener
    {
        private readonly ConcurrentDictionary<int, TaskCompletionSource> _returns = new();

        public void Watch(byte[] array) => _returns.TryAdd(array.GetHashCode(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        public Task WaitForReturnsAsync()
        {
            Assert.NotEmpty(_returns);
            return Task.WhenAll(_returns.Values.Select(returned => returned.Task));
        }

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "System.Buffers.ArrayPoolEventSource") EnableEvents(eventSource, EventLevel.Verbose);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventName == "BufferReturned" && _returns.TryGetValue(Convert.ToInt32(eventData.Payload![0], CultureInfo.InvariantCulture), out var returned)) returned.TrySetResult();
        }
    }
}
