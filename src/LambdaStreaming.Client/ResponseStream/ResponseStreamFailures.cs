using System.Diagnostics.CodeAnalysis;
using LambdaStreaming.Errors;

namespace LambdaStreaming.ResponseStream;

/// <summary>Creates the exceptions that <see cref="ResponseStreamReader"/> throws.</summary>
internal static class ResponseStreamFailures
{
    /// <summary>Maps an exception that occurred while reading an event to the exception for the caller.</summary>
    /// <param name="exception">The exception that occurred.</param>
    /// <param name="body">The body, which knows why it was aborted.</param>
    /// <param name="options">The options of the reader.</param>
    /// <param name="progress">The call, and the chunks that were received before.</param>
    /// <param name="messageOffset">Offset of the current message in the body, in bytes.</param>
    /// <param name="incompleteBytes">Number of bytes that were received of an incomplete message.</param>
    public static Exception Translate(
        Exception exception,
        ResponseStreamBody body,
        ResponseStreamReaderOptions options,
        LambdaErrorDetails progress,
        long messageOffset,
        long incompleteBytes)
    {
        // If the body ends before its first message is complete, or the first message prelude is invalid, the body
        // might not be an event stream. If the response headers also announced other content, that is reported.
        var canBeOtherContent = messageOffset == 0 && exception is BodyEndedException
            or ResponseStreamCorruptException { Reason: ResponseStreamCorruptionReason.PreludeChecksum };
        if (canBeOtherContent && options.UnexpectedContent is { } content) return NotAnEventStream(content, progress);

        return exception switch
        {
            ResponseStreamCorruptException corrupt => Corrupt(corrupt, messageOffset, progress),
            LambdaStreamingException => exception,
            BodyAbortedException => Aborted(body, options.IdleTimeout, progress),
            BodyEndedException => Truncated(incompleteBytes, progress, cause: null),
            ScriptedFailureException scripted => scripted.Failure,
            _ => Truncated(incompleteBytes, progress, exception),
        };
    }

    /// <summary>Creates the exception for an <c>InvokeComplete</c> with an error.</summary>
    public static FunctionErrorException FunctionError(
        InvokeComplete complete,
        LambdaErrorDetails progress,
        ResponseStreamReaderOptions options)
    {
        var details = progress with
        {
            ErrorCode = complete.ErrorCode,
            Advice = ExceptionMessages.GetAdvice(complete),
        };
        var includeText = options.IncludeFunctionErrorDetails;
        var message = ExceptionMessages.DescribeFunctionError(details, complete, options.Redactor, includeText);
        return new FunctionErrorException(message, complete, details);
    }

    /// <summary>Creates the exception for a token that was cancelled after the response headers.</summary>
    public static InvocationCanceledException Cancelled(
        LambdaErrorDetails progress,
        CancellationToken token,
        OperationCanceledException? cause = null) => new(
        $"Reading the response from {progress.FunctionName} was cancelled. "
        + "The function might still be running: cancellation does not stop it.",
        functionMayHaveRun: true,
        cause,
        token);

    /// <summary>Throws the exception for a chunk that has expired.</summary>
    [DoesNotReturn]
    public static void ThrowChunkExpired() => throw new InvalidOperationException(
        "This chunk is no longer valid, because the enumeration has advanced or was disposed. "
        + "Copy its bytes while it is the current chunk, with ToArray() or CopyTo().");

    private static Exception Aborted(ResponseStreamBody body, TimeSpan idleTimeout, LambdaErrorDetails progress) =>
        body.AbortReason switch
        {
            AbortReason.Cancelled => Cancelled(progress, body.CancelledToken),
            AbortReason.Idle => IdleTimeout(idleTimeout, progress),
            _ => Disposed(),
        };

    // Adds the byte offset and the call, which the decoder does not know.
    private static ResponseStreamCorruptException Corrupt(
        ResponseStreamCorruptException exception,
        long messageOffset,
        LambdaErrorDetails progress)
    {
        var text = $"{exception.Message} The message begins at byte {messageOffset} of the response from "
            + $"{progress.FunctionName}, after {ExceptionMessages.DescribeReceived(progress)}.";
        return new ResponseStreamCorruptException(
            AddConsequence(text, progress),
            exception.Reason,
            messageOffset,
            progress);
    }

    private static ResponseStreamCorruptException NotAnEventStream(
        UnexpectedContent content,
        LambdaErrorDetails progress)
    {
        var text = $"The response from {progress.FunctionName} is not an event stream: {content.Description}. "
            + ExceptionMessages.SentByProxy;
        return new ResponseStreamCorruptException(
            AddConsequence(text, progress),
            content.Reason,
            byteOffset: 0,
            progress);
    }

    private static ResponseStreamTruncatedException Truncated(
        long incompleteBytes,
        LambdaErrorDetails progress,
        Exception? cause)
    {
        var how = cause is not null ? "the connection broke before InvokeComplete"
            : incompleteBytes == 0 ? "the body ended before InvokeComplete"
            : $"the body ended inside a message, of which {ExceptionMessages.Count(incompleteBytes, "byte")} arrived";
        var text = $"The response from {progress.FunctionName} was truncated after "
            + $"{ExceptionMessages.DescribeReceived(progress)}: {how}.";
        return new ResponseStreamTruncatedException(
            AddConsequence(text, progress),
            progress,
            cause,
            endedInsideMessage: incompleteBytes > 0);
    }

    private static ResponseStreamIdleTimeoutException IdleTimeout(TimeSpan timeout, LambdaErrorDetails progress)
    {
        const string Option = nameof(LambdaStreamingClientOptions.IdleTimeout);
        var text = $"No data was received from {progress.FunctionName} for "
            + $"{ExceptionMessages.FormatDuration(timeout)} ({Option}), "
            + $"after {ExceptionMessages.DescribeReceived(progress)}.";
        return new ResponseStreamIdleTimeoutException(AddConsequence(text, progress), progress);
    }

    private static ObjectDisposedException Disposed() => new(
        nameof(InvokeWithResponseStreamResponse),
        "The response or its enumerator was disposed before the response was read to its end.");

    private static string AddConsequence(string text, LambdaErrorDetails progress) =>
        ExceptionMessages.AddConsequence(text, progress);
}
