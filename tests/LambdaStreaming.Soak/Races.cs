using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json.Serialization;

namespace LambdaStreaming.Soak;

/// <summary>Races every reader against every way of ending its response, on two threads.</summary>
/// <remarks>
/// Each response repeats one letter. After the second thread has ended the response, that thread rents arrays from the
/// shared pool and overwrites them, as the next response would. A reader that uses a returned buffer then reads a wrong
/// byte.
/// </remarks>
internal static class Races
{
    private const int ChunkBytes = 300;
    private const int Chunks = 4;
    private const byte OverwriteByte = (byte)'!';
    private static readonly TimeSpan HangTimeout = TimeSpan.FromSeconds(60);
    private static readonly int[] PoolSizes = [64 * 1024, 4096, 1024, 512];

    private static readonly Dictionary<string, Func<Race, Task<int>>> Readers = new(StringComparer.Ordinal)
    {
        ["events"] = race => EnumerateAsync(
            race,
            Map(
                race.Response.GetAsyncEnumerator(race.Token),
                item => item.TryGetPayloadChunk(out var chunk) ? race.Check(chunk) : 0)),
        ["chunks"] = race => EnumerateAsync(race, race.Response.ReadChunksAsync(race.Token), race.Check),
        ["owned chunks"] = race => EnumerateAsync(
            race, race.Response.ReadOwnedChunksAsync(race.Token), chunk => race.Check(chunk.Span)),
        ["text"] = race => EnumerateAsync(
            race, race.Response.ReadTextAsync(cancellationToken: race.Token), race.Check),
        ["lines"] = race => EnumerateAsync(
            race, race.Response.ReadLinesAsync(cancellationToken: race.Token), line => race.Check(line) + 1),
        ["JSON values"] = race => EnumerateAsync(
            race,
            race.Response.ReadJsonValuesAsync(RaceJson.Default.String, cancellationToken: race.Token),
            value => race.Check(value!) + 3),
        ["SSE"] = race => EnumerateAsync(
            race,
            race.Response.ReadServerSentEventsAsync(cancellationToken: race.Token),
            item => race.Check(item.Data) + 8),
        ["SSE of JSON"] = race => EnumerateAsync(
            race,
            race.Response.ReadServerSentEventsAsync(RaceJson.Default.String, cancellationToken: race.Token),
            item => race.Check(item.Data!) + 10),
        ["one-liner"] = race => EnumerateAsync(
            race,
            new OneResponse(race.Response).InvokeTextAsync("f", "{}", cancellationToken: race.Token),
            race.Check),
        ["bytes"] = async race =>
        {
            var bytes = await race.Response.ReadAsByteArrayAsync(cancellationToken: race.Token);
            return race.Check(bytes.AsSpan());
        },
        ["copy to a stream"] = race => race.CopyAsync(sink => race.Response.CopyToAsync(sink, race.Token)),
        ["copy to a pipe"] = race => race.CopyAsync(sink =>
        {
            var pipe = PipeWriter.Create(sink, new StreamPipeWriterOptions(leaveOpen: true));
            return race.Response.CopyToAsync(pipe, race.Token);
        }),
        ["read a stream"] = ReadStreamAsync,
        ["copy from a stream"] = race =>
        {
            var stream = race.UseStream(race.Response.AsStream());
            return race.CopyAsync(sink => stream.CopyToAsync(sink, race.Token));
        },
        ["HTTP body"] = async race =>
        {
            var http = await race.Response.ReadHttpIntegrationResponseAsync(cancellationToken: race.Token);
            return await race.CopyAsync(sink => http.CopyToAsync(sink, race.Token));
        },
    };

    public static async Task<int> RunAsync(int races, string[] names, CancellationToken cancellationToken)
    {
        if (names.FirstOrDefault(name => !Readers.ContainsKey(name)) is { } unknown)
        {
            var all = string.Join(", ", Readers.Keys);
            Console.Error.WriteLine($"races: unknown reader '{unknown}'; the readers are: {all}");
            return 2;
        }

        var failed = false;
        foreach (var name in names is [] ? [.. Readers.Keys] : names)
        {
            var read = Readers[name];
            var (complete, ended, watch) = (0, 0, Stopwatch.StartNew());
            using var other = new OtherThread();
            for (var number = 0; number < races && !cancellationToken.IsCancellationRequested; number++)
            {
                using var race = new Race(name, number);
                var reading = RunOnceAsync(race, read, other);
                var timeout = Task.Delay(reading.IsCompleted ? TimeSpan.Zero : HangTimeout, CancellationToken.None);
                if (await Task.WhenAny(reading, timeout) != reading) return Report(name, number, "hangs");
                var problem = await reading;
                if (problem is not null)
                {
                    failed = true;
                    Report(name, number, problem);
                    break;
                }

                if (race.IsComplete) complete++;
                else ended++;
            }

            Console.WriteLine(
                $"{name,-18} {complete + ended,9} races, {complete,9} complete, {ended,9} ended early, "
                + $"{watch.Elapsed.TotalSeconds:0} s");
        }

        return failed ? 1 : 0;
    }

    private static int Report(string name, int number, string problem)
    {
        Console.WriteLine($"{name}, race {number}: {problem}");
        return 1;
    }

    private static async Task<string?> RunOnceAsync(Race race, Func<Race, Task<int>> read, OtherThread other)
    {
        int? bytes = null;
        Exception? failure = null;
        other.Begin(race);
        try
        {
            bytes = await read(race);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        // An aborted read continues on the thread that aborted it. Leave that thread, because waiting for it would be a
        // deadlock.
        await Task.Yield();
        other.Wait();
        await race.Response.DisposeAsync();
        if (race.HasReadWrongByte) return "a byte of another response";
        race.IsComplete = failure is null;
        if (failure is null && bytes != race.PayloadBytes)
            return $"a normal end after {bytes} of {race.PayloadBytes} bytes";
        return failure is null || IsExpected(failure, race.Name) ? null : failure.ToString();
    }

    // A chunk expires when its enumerator is disposed (InvalidOperationException). The other exceptions report the end
    // of a response.
    private static bool IsExpected(Exception failure, string reader) =>
        failure is ObjectDisposedException or OperationCanceledException
        || (failure is InvalidOperationException && reader is "events" or "chunks");

    private static Task<int> EnumerateAsync<T>(Race race, IAsyncEnumerable<T> elements, Func<T, int> check) =>
        EnumerateAsync(race, Map(elements.GetAsyncEnumerator(), check));

    private static async Task<int> EnumerateAsync(Race race, IAsyncEnumerator<int> elements)
    {
        race.Elements = elements;
        race.IsReady = true;
        var bytes = 0;
        try
        {
            while (await elements.MoveNextAsync()) bytes += elements.Current;
        }
        finally
        {
            await elements.DisposeAsync();
        }

        return bytes;
    }

    private static async Task<int> ReadStreamAsync(Race race)
    {
        var stream = race.UseStream(race.Response.AsStream());
        var buffer = new byte[ChunkBytes / 2];
        var bytes = 0;
        while (await stream.ReadAsync(buffer, race.Token) is > 0 and var count)
        {
            race.Check(buffer.AsSpan(0, count));
            bytes += count;
        }

        return bytes;
    }

    private static Mapped<T> Map<T>(IAsyncEnumerator<T> elements, Func<T, int> check) => new(elements, check);

    /// <summary>A response and the way in which it is ended.</summary>
    private sealed class Race : IDisposable
    {
        private readonly CancellationTokenSource _cancellation = new();
        private readonly byte _letter;
        private Stream? _stream;

        public Race(string name, int number)
        {
            Name = name;
            Number = number;
            _letter = (byte)('A' + (number % 26));
            var text = new string((char)_letter, ChunkBytes);
            var payload = Encoding.ASCII.GetBytes(name switch
            {
                "lines" => text + "\n",
                "JSON values" => $"\"{text}\"\n",
                "SSE" => $"data: {text}\n\n",
                "SSE of JSON" => $"data: \"{text}\"\n\n",
                _ => text,
            });
            PayloadBytes = payload.Length * Chunks;
            Wire = new RacingStream(payload, number);
            Response = InvokeWithResponseStreamResponse.Create(Wire);
        }

        public string Name { get; }

        public int Number { get; }

        public int PayloadBytes { get; }

        public RacingStream Wire { get; }

        public InvokeWithResponseStreamResponse Response { get; }

        public CancellationToken Token => _cancellation.Token;

        public IAsyncEnumerator<int>? Elements { get; set; }

        public volatile bool IsReady;

        public bool HasReadWrongByte { get; private set; }

        public bool IsComplete { get; set; }

        public Stream UseStream(Stream stream)
        {
            _stream = stream;
            IsReady = true;
            return stream;
        }

        public int Check(PayloadChunk chunk)
        {
            var payload = chunk.Payload;
            foreach (var segment in payload) Check(segment.Span);
            return (int)payload.Length;
        }

        public int Check(ReadOnlySpan<byte> bytes)
        {
            HasReadWrongByte |= bytes.ContainsAnyExcept(_letter, (byte)'"', (byte)'\n');
            return bytes.Length;
        }

        public int Check(string text)
        {
            HasReadWrongByte |= text.AsSpan().ContainsAnyExcept((char)_letter, '"', '\n');
            return text.Length;
        }

        public async Task<int> CopyAsync(Func<Stream, Task> copy)
        {
            var sink = new CheckedSink(this);
            IsReady = true;
            await copy(sink);
            return sink.Count;
        }

        public void End()
        {
            switch (Number % 5)
            {
                case 0:
                    _cancellation.Cancel();
                    break;
                case 1 when Elements is { } elements:
                    Forget(elements.DisposeAsync());
                    break;
                case 1 when _stream is { } stream:
                    stream.Dispose();
                    break;
                case 2 when _stream is { } stream:
                    Forget(stream.DisposeAsync());
                    break;
                case 3:
                    Forget(Response.DisposeAsync());
                    break;
                default:
                    Response.Dispose();
                    break;
            }
        }

        public void Dispose() => _cancellation.Dispose();

        private static void Forget(ValueTask disposal)
        {
            if (!disposal.IsCompletedSuccessfully) disposal.AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>The thread that ends the responses.</summary>
    private sealed class OtherThread : IDisposable
    {
        private readonly Thread _thread;
        private volatile Race? _race;
        private volatile bool _isStopped;

        public OtherThread()
        {
            _thread = new Thread(Run) { IsBackground = true };
            _thread.Start();
        }

        public void Begin(Race race) => _race = race;

        public void Wait()
        {
            var spin = default(SpinWait);
            while (_race is not null) spin.SpinOnce(sleep1Threshold: -1);
        }

        public void Dispose()
        {
            _isStopped = true;
            _thread.Join();
        }

        private void Run()
        {
            var spin = default(SpinWait);
            var random = new Random(1);
            while (!_isStopped)
            {
                if (_race is not { } race)
                {
                    spin.SpinOnce(sleep1Threshold: -1);
                    continue;
                }

                // Wait for a random time, so that the response ends at any moment of the reading, including its
                // beginning. In half of the races, release a waiting read before that.
                for (var wait = default(SpinWait); !race.IsReady && wait.Count < 50;)
                    wait.SpinOnce(sleep1Threshold: -1);
                Thread.SpinWait(random.Next(0, 400));
                if (race.Number % 2 == 0) race.Wire.Release();
                race.End();
                OverwritePool();
                race.Wire.Release();
                _race = null;
            }
        }

        private static void OverwritePool()
        {
            foreach (var size in PoolSizes)
            {
                var first = ArrayPool<byte>.Shared.Rent(size);
                var second = ArrayPool<byte>.Shared.Rent(size);
                first.AsSpan(0, Math.Min(size, 4 * ChunkBytes)).Fill(OverwriteByte);
                second.AsSpan(0, Math.Min(size, 4 * ChunkBytes)).Fill(OverwriteByte);
                ArrayPool<byte>.Shared.Return(first);
                ArrayPool<byte>.Shared.Return(second);
            }
        }
    }

    /// <summary>A stream that returns one message per read.</summary>
    /// <remarks>
    /// In some races, one read waits until the other thread releases it. In some of these races, that read ignores its
    /// cancellation token.
    /// </remarks>
    private sealed class RacingStream : Stream
    {
        private readonly byte[] _message;
        private readonly int _waitsAt;
        private readonly bool _ignoresToken;
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _reads;

        public RacingStream(byte[] payload, int number)
        {
            _message = RecordedResponse.EncodeChunk(payload);
            _waitsAt = number % 3 == 0 ? number / 3 % (Chunks + 2) : -1;
            _ignoresToken = number % 7 == 0;
        }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public void Release() => _released.TrySetResult();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty) return new ValueTask<int>(0);
            return _reads == _waitsAt
                ? WaitAsync(buffer, _ignoresToken ? default : cancellationToken)
                : new ValueTask<int>(CopyMessage(buffer));
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        private async ValueTask<int> WaitAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            await _released.Task.WaitAsync(cancellationToken);
            return CopyMessage(buffer);
        }

        private int CopyMessage(Memory<byte> buffer)
        {
            var message = _reads < Chunks ? _message : _reads == Chunks ? RecordedResponse.InvokeComplete : [];
            _reads++;
            message.CopyTo(buffer);
            return message.Length;
        }
    }

    /// <summary>A destination that checks the bytes twice, at different times.</summary>
    private sealed class CheckedSink(Race race) : MemoryStream
    {
        public int Count { get; private set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            race.Check(buffer.Span);
            if (race.Number % 4 != 0)
            {
                Count += race.Check(buffer.Span);
                return default;
            }

            return WriteLaterAsync(buffer);
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        private async ValueTask WriteLaterAsync(ReadOnlyMemory<byte> buffer)
        {
            await Task.Yield();
            Count += race.Check(buffer.Span);
        }
    }

    private sealed class Mapped<T>(IAsyncEnumerator<T> inner, Func<T, int> check) : IAsyncEnumerator<int>
    {
        public int Current => check(inner.Current);

        public ValueTask<bool> MoveNextAsync() => inner.MoveNextAsync();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class OneResponse(InvokeWithResponseStreamResponse response) : ILambdaStreamingClient
    {
        public async Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(
            InvokeWithResponseStreamRequest request, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            return response;
        }

        public void Dispose()
        {
        }
    }
}

[JsonSerializable(typeof(string))]
internal sealed partial class RaceJson : JsonSerializerContext;
