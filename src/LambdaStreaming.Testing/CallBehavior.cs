using System.Buffers.Binary;
using System.IO.Hashing;
using LambdaStreaming.Testing.EventStream;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Testing;

/// <summary>Faults and responses injected into selected calls of a function.</summary>
/// <remarks>
/// Example: <c>function.OnCall(2).TruncateAfterBytes(137, TruncationMode.Reset)</c>.
/// The faults of one behavior are combined. If several behaviors match a call, only the behavior added last applies.
/// Calls are numbered for each function, from 1, when their requests arrive. Each attempt of a client is one call, even
/// if it is a dry run or exceeds a limit of concurrency. A request that the server rejects is not a call.
/// Configure a behavior before the calls that it applies to.
/// <para>
/// Most faults apply to both operations. The remarks of some say that they are only for
/// <see cref="LambdaOperation.InvokeWithResponseStream"/>. With <see cref="LambdaOperation.Invoke"/>, a call with such
/// a fault gets the response <c>InvalidParameterValueException</c>. With the invocation type <c>Event</c>, faults apply
/// to the response (202), not to the output of the function. A dry run has only the faults before the response headers.
/// </para>
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

    /// <summary>Adds a behavior for another call of the same function.</summary>
    /// <param name="call">The number of the call, from 1.</param>
    public CallBehavior OnCall(int call) => _function.OnCall(call);

    /// <summary>Adds a behavior for other calls of the same function.</summary>
    /// <param name="first">The number of the first call, from 1.</param>
    /// <param name="last">The number of the last call.</param>
    public CallBehavior OnCalls(int first, int last) => _function.OnCalls(first, last);

    /// <summary>Waits before the response starts.</summary>
    /// <param name="delay">The delay, measured by the server's clock.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative, or longer than 49 days.</exception>
    public CallBehavior Delay(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(delay, LocalFunction.MaxDuration);
        return With(faults => faults.Delay = delay);
    }

    /// <summary>Waits before each chunk.</summary>
    /// <param name="delay">The delay, measured by the server's clock.</param>
    /// <exception cref="ArgumentOutOfRangeException">The delay is negative, or longer than 49 days.</exception>
    public CallBehavior DelayEachChunk(TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(delay, LocalFunction.MaxDuration);
        return With(faults => faults.ChunkDelay = delay);
    }

    /// <summary>Responds with a service error. The function does not run.</summary>
    /// <param name="errorCode">The AWS name of the error.</param>
    public CallBehavior RespondWithError(string errorCode) => RespondWithError(new ServiceErrorResponse(errorCode));

    /// <summary>Responds with a service error. The function does not run.</summary>
    /// <param name="error">The error.</param>
    public CallBehavior RespondWithError(ServiceErrorResponse error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return With(faults => faults.Replacement = error);
    }

    /// <summary>Responds with <c>TooManyRequestsException</c> (429), as at the limit of reserved concurrency.</summary>
    public CallBehavior Throttle() => RespondWithError(Throttling.CreateError(Throttling.ReservedConcurrency));

    /// <summary>Responds with an HTTP status and without an error name, as a failing load balancer does.</summary>
    /// <param name="statusCode">For example 500, 502, 503 or 504. A response with 204, 205 or 304 has no body.</param>
    /// <exception cref="ArgumentOutOfRangeException">The status is not between 200 and 599.</exception>
    public CallBehavior RespondWithStatus(int statusCode)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(statusCode, 200);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(statusCode, 599);
        if (statusCode is 204 or 205 or 304) return RespondWithRaw(new RawResponse { StatusCode = statusCode });
        return RespondWithRaw(new RawResponse
        {
            StatusCode = statusCode,
            Headers = [new("Content-Type", "text/html")],
            BodySegments = ["<html><body>This status was injected by the local server.</body></html>"u8.ToArray()],
        });
    }

    /// <summary>Responds with exactly these bytes. The function does not run.</summary>
    /// <param name="response">Status, headers and body.</param>
    public CallBehavior RespondWithRaw(RawResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return With(faults => faults.Replacement = response);
    }

    /// <summary>Reads the request, then ends the connection without a response. The function does not run.</summary>
    /// <param name="mode"><see cref="TruncationMode.Close"/> or <see cref="TruncationMode.Reset"/>.</param>
    /// <exception cref="ArgumentException">
    /// The mode is <see cref="TruncationMode.EndOfBody"/>, which requires response headers.
    /// </exception>
    public CallBehavior CloseBeforeHeaders(TruncationMode mode)
    {
        if (mode == TruncationMode.EndOfBody)
        {
            const string Message = "A response without headers cannot end with EndOfBody. Use Close or Reset.";
            throw new ArgumentException(Message, nameof(mode));
        }

        return With(faults => faults.CloseBeforeHeaders = mode);
    }

    /// <summary>Truncates the response after a number of body bytes.</summary>
    /// <param name="bytes">
    /// The number of bytes to send; 0 sends only the headers. A shorter response stays complete.
    /// </param>
    /// <param name="mode">How the response ends.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of bytes is negative.</exception>
    public CallBehavior TruncateAfterBytes(long bytes, TruncationMode mode)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return With(faults => faults.Truncation = (bytes, mode));
    }

    /// <summary>Truncates the response after a number of chunks, between two messages.</summary>
    /// <remarks>
    /// With <see cref="LambdaOperation.Invoke"/>, the response has the bytes of these chunks. Its <c>Content-Length</c>
    /// is larger, unless <paramref name="mode"/> is <see cref="TruncationMode.EndOfBody"/>.
    /// </remarks>
    /// <param name="chunks">
    /// The number of chunks to send; 0 sends only the headers. A response with fewer chunks ends before
    /// <c>InvokeComplete</c>.
    /// </param>
    /// <param name="mode">How the response ends.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of chunks is negative.</exception>
    public CallBehavior TruncateAfterChunks(int chunks, TruncationMode mode) => Interrupt(chunks, [], truncation: mode);

    /// <summary>Truncates the response after the function's last chunk, before <c>InvokeComplete</c>.</summary>
    /// <param name="mode">How the response ends.</param>
    public CallBehavior TruncateBeforeInvokeComplete(TruncationMode mode) =>
        Interrupt(int.MaxValue, [], truncation: mode);

    /// <summary>Flips the lowest bit of one byte of the body.</summary>
    /// <param name="offset">The offset of the byte, from 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The offset is negative.</exception>
    public CallBehavior FlipBit(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return With(faults => faults.FlippedBytes.Add(offset));
    }

    /// <summary>Writes the body in small fragments and flushes each of them.</summary>
    /// <param name="bytes">The size of a fragment.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    public CallBehavior WriteInFragments(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        return With(faults => faults.FragmentBytes = bytes);
    }

    /// <summary>Sends a message prelude with any length and a valid checksum, then nothing more.</summary>
    /// <remarks>Only for <see cref="LambdaOperation.InvokeWithResponseStream"/>.</remarks>
    /// <param name="chunks">The number of chunks to send before it.</param>
    /// <param name="claimedBytes">The message length in the message prelude.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of chunks is negative.</exception>
    public CallBehavior OversizedMessageAfterChunks(int chunks, uint claimedBytes)
    {
        var prelude = new byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(prelude, claimedBytes);
        BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(8), Crc32.HashToUInt32(prelude.AsSpan(0, 8)));
        return Interrupt(chunks, prelude, stall: true);
    }

    /// <summary>Inserts an event of an unknown type into the stream. The stream then continues.</summary>
    /// <remarks>Only for <see cref="LambdaOperation.InvokeWithResponseStream"/>.</remarks>
    /// <param name="chunks">The number of chunks to send before it.</param>
    /// <param name="eventType">The type of the event.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of chunks is negative.</exception>
    public CallBehavior UnknownEventAfterChunks(int chunks, string eventType)
    {
        (string, string)[] headers =
            [(":message-type", "event"), (":event-type", eventType), (":content-type", "application/json")];
        return Interrupt(chunks, EventStreamEncoder.CreateMessage(headers, "{}"u8));
    }

    /// <summary>Ends the stream with an exception message, as the service does if it fails during a response.</summary>
    /// <remarks>With <see cref="LambdaOperation.Invoke"/>, the response is this service error.</remarks>
    /// <param name="chunks">The number of chunks to send before it.</param>
    /// <param name="exceptionType">The AWS name of the error.</param>
    /// <param name="message">The error message.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of chunks is negative.</exception>
    public CallBehavior ExceptionAfterChunks(int chunks, string exceptionType, string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        var body = JsonText.CreateObject(json => json.WriteString("message", message));
        (string, string)[] headers =
        [
            (":message-type", "exception"),
            (":exception-type", exceptionType),
            (":content-type", "application/json"),
        ];
        return End(chunks, EventStreamEncoder.CreateMessage(headers, body), exceptionType, message);
    }

    /// <summary>Ends the stream with an error message (<c>:error-code</c>).</summary>
    /// <remarks>
    /// The event-stream format has messages of the type <c>error</c>; Lambda's service model does not define any. With
    /// <see cref="LambdaOperation.Invoke"/>, the response is this service error.
    /// </remarks>
    /// <param name="chunks">The number of chunks to send before it.</param>
    /// <param name="errorCode">The error code.</param>
    /// <param name="message">The error message.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of chunks is negative.</exception>
    public CallBehavior ErrorAfterChunks(int chunks, string errorCode, string message)
    {
        (string, string)[] headers =
            [(":message-type", "error"), (":error-code", errorCode), (":error-message", message)];
        return End(chunks, EventStreamEncoder.CreateMessage(headers, []), errorCode, message);
    }

    /// <summary>Makes the function fail after a number of chunks.</summary>
    /// <remarks>
    /// Clients receive the error as if the function had reported it. If the function is a delegate, its token is
    /// cancelled. If it is a runtime process, the process runs to its end, and its further output is ignored.
    /// </remarks>
    /// <param name="chunks">
    /// The number of chunks to send before it. A function that writes fewer chunks fails at its end.
    /// </param>
    /// <param name="errorType">The type of the error, which is also its code.</param>
    /// <param name="errorMessage">The message of the error.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of chunks is negative.</exception>
    public CallBehavior FunctionErrorAfterChunks(int chunks, string errorType, string errorMessage)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(errorType);
        ArgumentNullException.ThrowIfNull(errorMessage);
        return Interrupt(chunks, [], functionError: FunctionError.Create(errorType, errorType, errorMessage));
    }

    /// <summary>Inserts bytes into the body, between two messages. The stream then continues.</summary>
    /// <remarks>Only for <see cref="LambdaOperation.InvokeWithResponseStream"/>.</remarks>
    /// <param name="chunks">The number of chunks to send before them.</param>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of chunks is negative.</exception>
    public CallBehavior BytesAfterChunks(int chunks, ReadOnlyMemory<byte> bytes) => Interrupt(chunks, bytes.ToArray());

    /// <summary>Sends nothing after a number of chunks, but keeps the connection open.</summary>
    /// <remarks>The connection stays open until the client disconnects or the server is disposed.</remarks>
    /// <param name="chunks">The number of chunks to send first; 0 sends only the headers.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of chunks is negative.</exception>
    public CallBehavior StallAfterChunks(int chunks) => Interrupt(chunks, [], stall: true);

    /// <summary>Sends nothing, but keeps the connection open.</summary>
    /// <remarks>The connection stays open until the client disconnects or the server is disposed.</remarks>
    public CallBehavior StallBeforeHeaders() => With(faults => faults.StallsBeforeHeaders = true);

    private CallBehavior End(int chunks, byte[] message, string errorCode, string errorMessage) => Interrupt(
        chunks, message, TruncationMode.EndOfBody, error: new(errorCode) { Message = errorMessage });

    private CallBehavior Interrupt(
        int chunks,
        byte[] bytes,
        TruncationMode? truncation = null,
        bool stall = false,
        ServiceErrorResponse? error = null,
        FunctionError? functionError = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(chunks);
        return With(faults => faults.Interruptions.Add(
            new(chunks, bytes, truncation, stall, error, functionError)));
    }

    private CallBehavior With(Action<InjectedFaults> set)
    {
        set(Faults);
        return this;
    }
}
