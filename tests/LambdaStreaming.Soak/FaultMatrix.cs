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

/// <summary>What is done to the answer, and where.</summary>
internal enum Fault
{
    /// <summary>The connection is closed after so many bytes of the wire.</summary>
    Fin,

    /// <summary>The connection is reset after so many bytes of the wire.</summary>
    Reset,

    /// <summary>The HTTP body ends well after so many bytes of the event stream.</summary>
    EndOfBody,

    /// <summary>Nothing more comes after so many bytes of the wire.</summary>
    Silence,

    /// <summary>One bit of the event stream is flipped.</summary>
    BodyBit,

    /// <summary>One bit of the HTTP head or of HTTP's own chunking is flipped, which no checksum covers.</summary>
    HttpBit,
}

/// <summary>What a call of the matrix came to.</summary>
/// <param name="Chunks">How many chunks were delivered.</param>
/// <param name="Bytes">How many payload bytes were delivered.</param>
/// <param name="Exception">How it ended; <see langword="null"/> where it ended well.</param>
internal sealed record Outcome(int Chunks, long Bytes, Exception? Exception);

/// <summary>Every way to break one recorded answer, each in a call of its own over a real socket, and what must come of it.</summary>
internal sealed class FaultMatrix : IAsyncDisposable
{
    private const int Servers = 8;   // ports enough that closed connections do not use them up
    private const int Parallel = 12;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);   // on the matrix's own clock
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(60);

    private readonly RecordedResponse _response;
    private readonly TcpListener[] _listeners;
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _reachedTheFault = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<InvokeWithResponseStreamResponse, IAsyncEnumerable<ResponseStreamEvent>> _read;

    /// <param name="answer">The answer to break.</param>
    /// <param name="read">How a response is enumerated: a test plants a dishonest reader here, to see that the matrix notices.</param>
    public FaultMatrix(RecordedResponse answer, Func<InvokeWithResponseStreamResponse, IAsyncEnumerable<ResponseStreamEvent>>? read = null)
    {
        _response = answer;
        _read = read ?? (response => response);
        _listeners = [.. Enumerable.Range(0, Servers).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (var listener in _listeners)
        {
            listener.Start(512);
            _ = AcceptAsync(listener);
        }
    }

    /// <summary>All cases of an answer.</summary>
    public IEnumerable<(Fault Fault, int At)> Cases()
    {
        for (var at = 0; at < _response.Wire.Length; at++)
        {
            yield return (Fault.Fin, at);
            yield return (Fault.Reset, at);
            yield return (Fault.Silence, at);
        }

        for (var at = 0; at < _response.Body.Length; at++) yield return (Fault.EndOfBody, at);
        for (var bit = 0; bit < _response.Body.Length * 8; bit++) yield return (Fault.BodyBit, bit);
        for (var bit = 0; bit < _response.Head.Length * 8; bit++) yield return (Fault.HttpBit, bit);
        foreach (var at in FramingBytes()) for (var bit = 0; bit < 8; bit++) yield return (Fault.HttpBit, (at * 8) + bit);
    }

    /// <summary>Runs cases and says what is wrong with those whose outcome is not the right one.</summary>
    public async Task<IReadOnlyList<string>> RunAsync(IEnumerable<(Fault Fault, int At)> cases, CancellationToken cancellationToken)
    {
        var wrong = new ConcurrentBag<string>();
        void Unobserved(object? sender, UnobservedTaskExceptionEventArgs arguments) => wrong.Add($"unobserved: {arguments.Exception.InnerException}");
        TaskScheduler.UnobservedTaskException += Unobserved;
        try
        {
            await System.Threading.Tasks.Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken }, async (test, token) =>
            {
                try
                {
                    var outcome = await CallAsync(test.Fault, test.At).WaitAsync(Hang, token);
                    if (Judge(test.Fault, test.At, outcome) is { } complaint) wrong.Add($"{test.Fault} at {test.At}: {complaint}");
                }
                catch (TimeoutException)
                {
                    wrong.Add($"{test.Fault} at {test.At}: hangs");
                }
            });
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= Unobserved;
        }

        return [.. wrong.Order(StringComparer.Ordinal)];
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var listener in _listeners) listener.Dispose();
        _stopping.Dispose();
    }

    private Worth WorthOf(Fault fault, int at) => fault switch
    {
        Fault.EndOfBody => _response.OfBody(at),
        Fault.BodyBit => _response.OfBody(at / 8),
        Fault.HttpBit => _response.OfBody(_response.Body.Length),
        _ => _response.OfWire(at),
    };

    private string? Judge(Fault fault, int at, Outcome outcome)
    {
        var failure = outcome.Exception;
        if (fault == Fault.HttpBit)
        {
            // Nothing says which of these it must be; but it is the whole answer, or an exception of ours.
            var whole = _response.OfBody(_response.Body.Length);
            if (failure is null) return (outcome.Chunks, outcome.Bytes) == (whole.Chunks, whole.Bytes) ? null : $"ended well after {outcome.Chunks} of {whole.Chunks} chunks";
            return failure is LambdaStreamingException ? null : $"foreign exception {failure}";
        }

        var worth = WorthOf(fault, at);
        if ((outcome.Chunks, outcome.Bytes) != (worth.Chunks, worth.Bytes)) return $"{outcome.Chunks} chunks and {outcome.Bytes} bytes were delivered, {worth.Chunks} and {worth.Bytes} came; {failure}";
        if (worth.IsWhole) return failure is null ? null : $"the answer was whole, but {failure}";
        if (failure is null) return $"SILENT: ended well after {outcome.Chunks} chunks without InvokeComplete";
        if (!worth.HasHeaders) return failure is LambdaTransportException { FunctionMayHaveRun: true } ? null : $"no head came, but {failure}";

        var right = fault switch
        {
            Fault.BodyBit => failure is ResponseStreamCorruptException { Reason: ResponseStreamCorruptionReason.PreludeChecksum or ResponseStreamCorruptionReason.MessageChecksum },
            Fault.Silence => failure is ResponseStreamIdleTimeoutException,
            _ => failure is ResponseStreamTruncatedException,
        };
        if (!right) return $"wrong exception {failure}";
        var stream = (ResponseStreamException)failure;
        return (stream.ChunksReceived, stream.BytesReceived, stream.FunctionMayHaveRun) == (worth.Chunks, worth.Bytes, true) ? null : $"wrong counts {stream.ChunksReceived}, {stream.BytesReceived}";
    }

    private async Task<Outcome> CallAsync(Fault fault, int at)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{fault}-{at}");
        var gate = _reachedTheFault[name] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var worth = WorthOf(fault, at);
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        var port = ((IPEndPoint)_listeners[(at + (int)fault) % Servers].LocalEndpoint).Port;
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions
        {
            ServiceUrl = new Uri($"http://127.0.0.1:{port}"),
            Region = RegionEndpoint.USEast1,
            Credentials = new BasicAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            IdleTimeout = Limit,
            ResponseHeadersTimeout = Limit,
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            TimeProvider = clock,
        });

        var chunks = 0;
        long bytes = 0;
        var reading = ReadAsync();

        // Time passes only where the fault is silence, and only once all that was sent is delivered.
        if (fault == Fault.Silence)
        {
            await gate.Task;
            for (var waited = Stopwatch.StartNew(); !reading.IsCompleted && waited.Elapsed < Hang;)
            {
                clock.Advance(Limit);
                await Task.WhenAny(reading, Task.Delay(1));
            }
        }

        var failure = await reading;
        _reachedTheFault.TryRemove(name, out _);
        return new Outcome(chunks, bytes, failure);

        async Task<Exception?> ReadAsync()
        {
            await Task.Yield();
            try
            {
                await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest(name));
                if (worth is { Chunks: 0, IsWhole: false }) gate.TrySetResult();
                await using var events = _read(response).GetAsyncEnumerator();
                while (await MoveNextAsync(events, response))
                {
                    if (!events.Current.TryGetPayloadChunk(out var chunk)) continue;
                    chunks++;
                    bytes += chunk.Length;
                    if (chunks == worth.Chunks && !worth.IsWhole) gate.TrySetResult();
                }

                return null;
            }
            catch (Exception exception)
            {
                return exception;
            }
            finally
            {
                gate.TrySetResult();
            }
        }

        // InvokeComplete is delivered after the body was read to its end, so its event comes too late for a fault behind it.
        async Task<bool> MoveNextAsync(IAsyncEnumerator<ResponseStreamEvent> events, InvokeWithResponseStreamResponse response)
        {
            var move = events.MoveNextAsync().AsTask();
            if (worth.IsWhole && chunks == worth.Chunks)
            {
                while (!move.IsCompleted && response.InvokeComplete is null) await Task.WhenAny(move, Task.Delay(1));
                gate.TrySetResult();
            }

            return await move;
        }
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await listener.AcceptSocketAsync(_stopping.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
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
            var wire = fault switch
            {
                Fault.EndOfBody => _response.CleanlyEndedAfter(at),
                Fault.BodyBit => WithBitOfBodyFlipped(at),
                Fault.HttpBit => Flipped(_response.Wire, at),
                _ => _response.Wire[..at],
            };
            for (var sent = 0; sent < wire.Length;) sent += await socket.SendAsync(wire.AsMemory(sent), _stopping.Token);

            // Before the head nothing on the client's side tells how far things are; its request has been sent, at least.
            if (!WorthOf(fault, at).HasHeaders) _reachedTheFault[$"{fault}-{at}"].TrySetResult();
            switch (fault)
            {
                case Fault.Reset:
                    // A reset may destroy what the other side has not read yet: only once it has.
                    await _reachedTheFault[$"{fault}-{at}"].Task;
                    socket.Close(0);
                    break;
                case Fault.Silence:
                    await socket.ReceiveAsync(new byte[1], _stopping.Token);
                    break;
                default:
                    socket.Shutdown(SocketShutdown.Send);
                    await socket.ReceiveAsync(new byte[1], _stopping.Token);
                    break;
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException or KeyNotFoundException)
        {
            // The client has left.
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

    private byte[] WithBitOfBodyFlipped(int bit) => [.. _response.Head, .. Encoding.ASCII.GetBytes($"{_response.Body.Length:x}\r\n"), .. Flipped(_response.Body, bit), .. "\r\n0\r\n\r\n"u8];

    private static byte[] Flipped(byte[] bytes, int bit)
    {
        var copy = bytes.ToArray();
        copy[bit / 8] ^= (byte)(1 << (bit % 8));
        return copy;
    }

    // The bytes of the wire that are neither head nor event stream.
    private IEnumerable<int> FramingBytes()
    {
        for (var at = _response.Head.Length; at < _response.Wire.Length; at++)
        {
            if (_response.BodyBytesAt(at + 1) == _response.BodyBytesAt(at)) yield return at;
        }
    }
}
