using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Amazon;
using Amazon.Runtime;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Soak;

/// <summary>A kind of fault in a response.</summary>
/// <remarks>The wire is the HTTP response as it is sent: the headers, then the body in chunked encoding.</remarks>
internal enum Fault
{
    /// <summary>The connection is closed after a number of bytes of the wire.</summary>
    Fin,

    /// <summary>The connection is reset after a number of bytes of the wire.</summary>
    Reset,

    /// <summary>The HTTP body ends properly after a number of bytes of the event stream.</summary>
    EndOfBody,

    /// <summary>Nothing is sent after a number of bytes of the wire.</summary>
    Stall,

    /// <summary>One bit of the event stream is flipped.</summary>
    BodyBit,

    /// <summary>One bit of the HTTP headers or of the chunked encoding is flipped, which no checksum covers.</summary>
    HttpBit,
}

/// <summary>The result of one call.</summary>
/// <param name="Chunks">The number of chunks received.</param>
/// <param name="Bytes">The number of payload bytes received.</param>
/// <param name="Exception">The exception, or <see langword="null"/> if the call succeeded.</param>
internal sealed record Outcome(int Chunks, long Bytes, Exception? Exception);

/// <summary>All faults of one recorded response, each in a separate call over a socket.</summary>
/// <remarks>Each outcome is compared with the content that the client must receive before the fault.</remarks>
internal sealed class FaultMatrix : IAsyncDisposable
{
    // Each closed connection keeps a client port busy for one server port (TIME_WAIT). With one listener, the client
    // ports would run out.
    private const int Servers = 8;
    private const int Parallel = 12;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);   // measured by the fake clock of each client
    private static readonly TimeSpan HangTimeout = TimeSpan.FromSeconds(60);

    private readonly RecordedResponse _response;
    private readonly TcpListener[] _listeners;
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _faultReached = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<InvokeWithResponseStreamResponse, IAsyncEnumerable<ResponseStreamEvent>> _read;

    /// <summary>Creates a matrix and starts its servers.</summary>
    /// <param name="response">The response to break.</param>
    /// <param name="read">
    /// Enumerates a response. A test passes a reader that hides errors, to verify that the matrix reports them.
    /// </param>
    public FaultMatrix(
        RecordedResponse response,
        Func<InvokeWithResponseStreamResponse, IAsyncEnumerable<ResponseStreamEvent>>? read = null)
    {
        _response = response;
        _read = read ?? (received => received);
        _listeners = [.. Enumerable.Range(0, Servers).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (var listener in _listeners)
        {
            listener.Start(512);
            _ = AcceptAsync(listener);
        }
    }

    /// <summary>Returns all faults of the response, with the byte or bit at which each occurs.</summary>
    public IEnumerable<(Fault Fault, int At)> Cases()
    {
        for (var at = 0; at < _response.Wire.Length; at++)
        {
            yield return (Fault.Fin, at);
            yield return (Fault.Reset, at);
            yield return (Fault.Stall, at);
        }

        for (var at = 0; at < _response.Body.Length; at++) yield return (Fault.EndOfBody, at);
        for (var bit = 0; bit < _response.Body.Length * 8; bit++) yield return (Fault.BodyBit, bit);
        for (var bit = 0; bit < _response.Headers.Length * 8; bit++) yield return (Fault.HttpBit, bit);
        foreach (var at in GetFramingBytes())
        {
            for (var bit = 0; bit < 8; bit++) yield return (Fault.HttpBit, (at * 8) + bit);
        }
    }

    /// <summary>Runs cases and describes each unexpected outcome.</summary>
    public async Task<IReadOnlyList<string>> RunAsync(
        IEnumerable<(Fault Fault, int At)> cases, CancellationToken cancellationToken)
    {
        var failures = new ConcurrentBag<string>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken };
        GC.Collect();
        GC.WaitForPendingFinalizers();   // of tasks that failed before
        TaskScheduler.UnobservedTaskException += AddUnobserved;
        try
        {
            await System.Threading.Tasks.Parallel.ForEachAsync(cases, options, async (test, token) =>
            {
                try
                {
                    var outcome = await CallAsync(test.Fault, test.At).WaitAsync(HangTimeout, token);
                    if (FindProblem(test.Fault, test.At, outcome) is { } problem)
                        failures.Add($"{test.Fault} at {test.At}: {problem}");
                }
                catch (TimeoutException)
                {
                    failures.Add($"{test.Fault} at {test.At}: hangs");
                }
            });
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= AddUnobserved;
        }

        return [.. failures.Order(StringComparer.Ordinal)];

        void AddUnobserved(object? sender, UnobservedTaskExceptionEventArgs arguments) =>
            failures.Add($"unobserved: {arguments.Exception.InnerException}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var listener in _listeners) listener.Dispose();
        _stopping.Dispose();
    }

    private ExpectedContent GetExpectedContent(Fault fault, int at) => fault switch
    {
        Fault.EndOfBody => _response.GetContentOfBody(at),
        Fault.BodyBit => _response.GetContentOfBody(at / 8),
        Fault.HttpBit => _response.GetContentOfBody(_response.Body.Length),
        _ => _response.GetContentOfWire(at),
    };

    private string? FindProblem(Fault fault, int at, Outcome outcome)
    {
        var failure = outcome.Exception;
        var expected = GetExpectedContent(fault, at);
        var isContentAsExpected = (outcome.Chunks, outcome.Bytes) == (expected.Chunks, expected.Bytes);
        if (fault == Fault.HttpBit)
        {
            // The exact result is not defined, but it must be the complete response or a LambdaStreamingException.
            if (failure is LambdaStreamingException) return null;
            if (failure is not null) return $"foreign exception {failure}";
            return isContentAsExpected
                ? null
                : $"ended normally after {outcome.Chunks} of {expected.Chunks} chunks";
        }

        if (!isContentAsExpected)
        {
            return $"received {outcome.Chunks} chunks ({outcome.Bytes} bytes), expected {expected.Chunks} chunks "
                + $"({expected.Bytes} bytes); {failure}";
        }

        if (expected.IsComplete) return failure is null ? null : $"the response was complete, but {failure}";
        if (failure is null)
            return $"UNREPORTED TRUNCATION: ended normally after {outcome.Chunks} chunks without InvokeComplete";
        if (!expected.HasHeaders)
        {
            return failure is LambdaTransportException { FunctionMayHaveRun: true }
                ? null
                : $"no response headers were sent, but {failure}";
        }

        return FindProblem(fault, failure, expected);
    }

    private static string? FindProblem(Fault fault, Exception failure, ExpectedContent expected)
    {
        var isExpectedType = fault switch
        {
            Fault.BodyBit => failure is ResponseStreamCorruptException corrupt && IsChecksum(corrupt.Reason),
            Fault.Stall => failure is ResponseStreamIdleTimeoutException,
            _ => failure is ResponseStreamTruncatedException,
        };
        if (!isExpectedType) return $"wrong exception or reason: {failure}";
        var exception = (ResponseStreamException)failure;
        var details = (exception.ChunksReceived, exception.BytesReceived, exception.FunctionMayHaveRun);
        return details == (expected.Chunks, expected.Bytes, true) ? null : $"wrong properties {details}";
    }

    private static bool IsChecksum(ResponseStreamCorruptionReason reason) =>
        reason is ResponseStreamCorruptionReason.PreludeChecksum or ResponseStreamCorruptionReason.MessageChecksum;

    private async Task<Outcome> CallAsync(Fault fault, int at)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{fault}-{at}");
        var faultReached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _faultReached[name] = faultReached;
        var expected = GetExpectedContent(fault, at);
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        var port = ((IPEndPoint)_listeners[(at + (int)fault) % Servers].LocalEndpoint).Port;
        using var client = CreateClient(port, clock);

        var chunks = 0;
        long bytes = 0;
        var reading = ReadAsync();

        // Advance the clock only for a stall, and only after the client has received all bytes that were sent.
        if (fault == Fault.Stall)
        {
            await faultReached.Task;
            for (var waited = Stopwatch.StartNew(); !reading.IsCompleted && waited.Elapsed < HangTimeout;)
            {
                clock.Advance(Limit);
                await Task.WhenAny(reading, Task.Delay(1));
            }
        }

        var failure = await reading;
        _faultReached.TryRemove(name, out _);
        return new Outcome(chunks, bytes, failure);

        async Task<Exception?> ReadAsync()
        {
            await Task.Yield();
            try
            {
                var request = new InvokeWithResponseStreamRequest(name);
                await using var response = await client.InvokeWithResponseStreamAsync(request);
                if (expected is { Chunks: 0, IsComplete: false }) faultReached.TrySetResult();
                await using var events = _read(response).GetAsyncEnumerator();
                while (await MoveNextAsync(events, response))
                {
                    if (!events.Current.TryGetPayloadChunk(out var chunk)) continue;
                    chunks++;
                    bytes += chunk.Length;
                    if (chunks == expected.Chunks && !expected.IsComplete) faultReached.TrySetResult();
                }

                return null;
            }
            catch (Exception exception)
            {
                return exception;
            }
            finally
            {
                faultReached.TrySetResult();
            }
        }

        // MoveNextAsync returns the InvokeComplete event only after the body has ended. For a fault between the event
        // and that end, this is too late. So poll the property InvokeComplete, which is set when the event arrives.
        async Task<bool> MoveNextAsync(
            IAsyncEnumerator<ResponseStreamEvent> events, InvokeWithResponseStreamResponse response)
        {
            var move = events.MoveNextAsync().AsTask();
            if (expected.IsComplete && chunks == expected.Chunks)
            {
                while (!move.IsCompleted && response.InvokeComplete is null) await Task.WhenAny(move, Task.Delay(1));
                faultReached.TrySetResult();
            }

            return await move;
        }
    }

    private static LambdaStreamingClient CreateClient(int port, TimeProvider clock)
    {
        return new LambdaStreamingClient(new LambdaStreamingClientOptions
        {
            ServiceUrl = new Uri($"http://127.0.0.1:{port}"),
            Region = RegionEndpoint.USEast1,
            Credentials = new BasicAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            IdleTimeout = Limit,
            ResponseHeadersTimeout = Limit,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            TimeProvider = clock,
        });
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await listener.AcceptSocketAsync(_stopping.Token));
            }
            catch (Exception exception)
                when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var _ = socket;
        try
        {
            socket.NoDelay = true;
            var (fault, at) = await ReadRequestAsync(socket);
            var faultReached = _faultReached[$"{fault}-{at}"];
            var wire = CreateWire(fault, at);
            for (var sent = 0; sent < wire.Length;)
                sent += await socket.SendAsync(wire.AsMemory(sent), _stopping.Token);

            // For a fault within the response headers, the client cannot report what it has received. It has sent its
            // request and waits, so its fault counts as reached here.
            if (!GetExpectedContent(fault, at).HasHeaders) faultReached.TrySetResult();
            switch (fault)
            {
                case Fault.Reset:
                    // A reset can discard bytes that the client has not read yet: wait until the client has read them.
                    await faultReached.Task;
                    socket.Close(0);
                    break;
                case Fault.Stall:
                    await socket.ReceiveAsync(new byte[1], _stopping.Token);
                    break;
                default:
                    socket.Shutdown(SocketShutdown.Send);
                    await socket.ReceiveAsync(new byte[1], _stopping.Token);
                    break;
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException
            or ObjectDisposedException or KeyNotFoundException)
        {
            // The client has disconnected.
        }
    }

    private static async Task<(Fault Fault, int At)> ReadRequestAsync(Socket socket)
    {
        var buffer = new byte[16 * 1024];
        var length = 0;
        while (!buffer.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(length));
            if (count == 0) throw new SocketException((int)SocketError.ConnectionReset);
            length += count;
        }

        var name = Encoding.ASCII.GetString(buffer, 0, length).Split('/')[3].Split('-');
        return (Enum.Parse<Fault>(name[0]), int.Parse(name[1], CultureInfo.InvariantCulture));
    }

    private byte[] CreateWire(Fault fault, int at) => fault switch
    {
        Fault.EndOfBody => _response.EndBodyAfter(at),
        Fault.BodyBit => CreateWireWithBodyBitFlipped(at),
        Fault.HttpBit => FlipBit(_response.Wire, at),
        _ => _response.Wire[..at],
    };

    private byte[] CreateWireWithBodyBitFlipped(int bit)
    {
        var chunkHeader = Encoding.ASCII.GetBytes($"{_response.Body.Length:x}\r\n");
        return [.. _response.Headers, .. chunkHeader, .. FlipBit(_response.Body, bit), .. "\r\n0\r\n\r\n"u8];
    }

    private static byte[] FlipBit(byte[] bytes, int bit)
    {
        var copy = bytes.ToArray();
        copy[bit / 8] ^= (byte)(1 << (bit % 8));
        return copy;
    }

    /// <summary>Returns the offsets of the bytes that are part of the chunked encoding.</summary>
    private IEnumerable<int> GetFramingBytes()
    {
        for (var at = _response.Headers.Length; at < _response.Wire.Length; at++)
        {
            if (_response.GetBodyBytes(at + 1) == _response.GetBodyBytes(at)) yield return at;
        }
    }
}
