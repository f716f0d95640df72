using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text.Encodings.Web;
using System.Text.Json;
using LambdaStreaming.Testing.EventStream;
using LambdaStreaming.Testing.Faults;

namespace LambdaStreaming.Testing;

/// <summary>What some calls of a function meet: <c>function.OnCall(2).TruncateAfterBytes(137, TruncationMode.Reset)</c>.</summary>
/// <remarks>
/// Faults of one script add up. Of several scripts that fit a call, the one added last counts alone.
/// Calls are counted by function, from 1, as requests that reached it: each attempt of a client is one. Finish scripts before the calls they are for.
/// </remarks>
public sealed class CallBehavior
{
    private readonly LocalFunction _function;

    internal CallBehavior(LocalFunction function, int first, int last)
    {
        _function = function;
        First = first;
        Last = last;
    }

    internal int First { get; }

    internal int Last { get; }

    internal InjectedFaults Faults { get; } = new();

    /// <summary>Begins the script of another call of the same function.</summary>
    /// <param name="call">Its number, from 1.</param>
    public CallBehavior OnCall(int call) => _function.OnCall(call);

    /// <summary>Begins the script of other calls of the same function.</summary>
    /// <param name="first">The number of the first, from 1.</param>
    /// <param name="last">The number of the last.</param>
    public CallBehavior OnCalls(int first, int last) => _function.OnCalls(first, last);

    /// <summary>Waits before anything is answered.</summary>
    /// <param name="delay">How long, by the server's clock.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative.</exception>
    public CallBehavior Delay(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        return With(faults => faults.Delay = delay);
    }

    /// <summary>Waits before each chunk.</summary>
    /// <param name="delay">How long, by the server's clock.</param>
    public CallBehavior DelayEachChunk(TimeSpan delay) => With(faults => faults.ChunkDelay = delay);

    /// <summary>Answers with an error of the service; the function does not run.</summary>
    /// <param name="errorCode">AWS's name of the error.</param>
    public CallBehavior RespondWithError(string errorCode) => RespondWithError(new ServiceErrorResponse(errorCode));

    /// <summary>Answers with an error of the service; the function does not run.</summary>
    /// <param name="error">The error.</param>
    public CallBehavior RespondWithError(ServiceErrorResponse error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return With(faults => faults.Instead = error);
    }

    /// <summary>Answers with <c>TooManyRequestsException</c> (429), as a function at its reserved concurrency does.</summary>
    public CallBehavior Throttle() => RespondWithError(Throttling.CreateError(Throttling.ReservedConcurrency));

    /// <summary>Answers with a bare status and no error's name, as a front end does that has trouble of its own.</summary>
    /// <param name="statusCode">E.g. 500, 502, 503 or 504. With 204, 205 and 304 goes no body.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is no final status: 200 to 599.</exception>
    public CallBehavior RespondWithStatus(int statusCode)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(statusCode, 200);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(statusCode, 599);
        if (statusCode is 204 or 205 or 304) return RespondWithRaw(new RawResponse { StatusCode = statusCode });
        return RespondWithRaw(new RawResponse
        {
            StatusCode = statusCode,
            Headers = [new("Content-Type", "text/html")],
            BodySegments = ["<html><body>The local server was told to answer so.</body></html>"u8.ToArray()],
        });
    }

    /// <summary>Answers with these very bytes; the function does not run.</summary>
    /// <param name="response">Status, headers and body.</param>
    public CallBehavior RespondWithRaw(RawResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return With(faults => faults.Instead = response);
    }

    /// <summary>Breaks the connection once the request was read, without an answer; the function does not run.</summary>
    /// <param name="mode"><see cref="TruncationMode.Close"/> or <see cref="TruncationMode.Reset"/>.</param>
    /// <exception cref="ArgumentException">There is no clean end before a head.</exception>
    public CallBehavior CloseBeforeHeaders(TruncationMode mode)
    {
        if (mode == TruncationMode.EndOfBody) throw new ArgumentException("An answer without a head has no clean end; use Close or Reset.", nameof(mode));
        return With(faults => faults.CloseBeforeHeaders = mode);
    }

    /// <summary>Ends the answer after so many bytes of its body.</summary>
    /// <param name="bytes">How many are sent; 0 is the head alone. An answer that is shorter stays whole.</param>
    /// <param name="mode">How it ends.</param>
    public CallBehavior TruncateAfterBytes(long bytes, TruncationMode mode)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return With(faults => faults.Cut = (bytes, mode));
    }

    /// <summary>Ends the answer after so many chunks, between two messages.</summary>
    /// <param name="chunks">How many are sent; 0 is the head alone. An answer of fewer chunks ends before <c>InvokeComplete</c>.</param>
    /// <param name="mode">How it ends.</param>
    public CallBehavior TruncateAfterChunks(int chunks, TruncationMode mode) => Interrupt(chunks, [], cut: mode);

    /// <summary>Ends the answer after the function's last chunk, without <c>InvokeComplete</c>.</summary>
    /// <param name="mode">How it ends.</param>
    public CallBehavior TruncateBeforeInvokeComplete(TruncationMode mode) => Interrupt(int.MaxValue, [], cut: mode);

    /// <summary>Flips the lowest bit of a byte of the body.</summary>
    /// <param name="offset">Which byte, from 0.</param>
    public CallBehavior FlipBit(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return With(faults => faults.FlippedBytes.Add(offset));
    }

    /// <summary>Writes the body in small pieces, each flushed.</summary>
    /// <param name="bytes">The size of a piece.</param>
    public CallBehavior WriteInFragments(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        return With(faults => faults.FragmentBytes = bytes);
    }

    /// <summary>Sends the start of a message that claims a length, with a good checksum, then nothing more.</summary>
    /// <param name="chunks">After how many chunks.</param>
    /// <param name="claimedBytes">The length it claims.</param>
    public CallBehavior OversizedMessageAfterChunks(int chunks, uint claimedBytes)
    {
        var prelude = new byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(prelude, claimedBytes);
        BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(8), Crc32.HashToUInt32(prelude.AsSpan(0, 8)));
        return Interrupt(chunks, prelude, silence: true);
    }

    /// <summary>Puts an event of an unknown type into the stream, which goes on.</summary>
    /// <param name="chunks">After how many chunks.</param>
    /// <param name="eventType">Its type.</param>
    public CallBehavior UnknownEventAfterChunks(int chunks, string eventType) =>
        Interrupt(chunks, Message([(":message-type", "event"), (":event-type", eventType), (":content-type", "application/json")], "{}"u8));

    /// <summary>Ends the stream with an exception message, where the service fails amid an answer.</summary>
    /// <param name="chunks">After how many chunks.</param>
    /// <param name="exceptionType">AWS's name of the error.</param>
    /// <param name="message">Its text.</param>
    public CallBehavior ExceptionAfterChunks(int chunks, string exceptionType, string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("message", message);
            json.WriteEndObject();
        }

        var bytes = Message([(":message-type", "exception"), (":exception-type", exceptionType), (":content-type", "application/json")], body.WrittenSpan);
        return Interrupt(chunks, bytes, cut: TruncationMode.EndOfBody);
    }

    /// <summary>Ends the stream with an error message (<c>:error-code</c>), which no model describes.</summary>
    /// <param name="chunks">After how many chunks.</param>
    /// <param name="errorCode">Its code.</param>
    /// <param name="message">Its text.</param>
    public CallBehavior ErrorAfterChunks(int chunks, string errorCode, string message) =>
        Interrupt(chunks, Message([(":message-type", "error"), (":error-code", errorCode), (":error-message", message)], []), cut: TruncationMode.EndOfBody);

    /// <summary>Puts these bytes into the body, between two messages; the stream goes on after them.</summary>
    /// <param name="chunks">After how many chunks.</param>
    /// <param name="bytes">The bytes.</param>
    public CallBehavior BytesAfterChunks(int chunks, ReadOnlyMemory<byte> bytes) => Interrupt(chunks, bytes.ToArray());

    /// <summary>Sends nothing more, and keeps the connection open until the client leaves or the server is disposed.</summary>
    /// <param name="chunks">After how many chunks; 0 is after the head.</param>
    public CallBehavior StallAfterChunks(int chunks) => Interrupt(chunks, [], silence: true);

    /// <summary>Never answers, and keeps the connection open until the client leaves or the server is disposed.</summary>
    public CallBehavior StallBeforeHeaders() => With(faults => faults.StallsBeforeHeaders = true);

    private CallBehavior Interrupt(int chunks, byte[] bytes, TruncationMode? cut = null, bool silence = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(chunks);
        return With(faults => faults.Interruptions.Add(new(chunks, bytes, cut, silence)));
    }

    private CallBehavior With(Action<InjectedFaults> set)
    {
        set(Faults);
        return this;
    }

    private static byte[] Message(IReadOnlyList<(string Name, string Value)> headers, ReadOnlySpan<byte> payload)
    {
        var message = new ArrayBufferWriter<byte>();
        EventStreamEncoder.WriteMessage(message, headers, payload);
        return message.WrittenSpan.ToArray();
    }
}
