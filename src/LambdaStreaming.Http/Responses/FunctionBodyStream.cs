using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace LambdaStreaming.Http.Responses;

/// <summary>The body of a response. It ends normally only if the response is complete.</summary>
/// <remarks>
/// HTTP clients treat a stream that returns 0 as complete. A truncated, corrupt, failed or idle response throws
/// <see cref="HttpIOException"/> instead, as the stream of .NET does.
/// </remarks>
/// <param name="body">The body, or <see langword="null"/> if it has been discarded.</param>
/// <param name="isExpected">
/// Whether the status allows a body. If not, the first read reads the response to its end, so that a failure is
/// reported and the connection can be reused. If a byte arrives nevertheless, the stream disposes the response.
/// </param>
internal sealed class FunctionBodyStream(Stream? body, bool isExpected) : NonSeekableStream
{
    // Buffer for a byte that should not arrive; null if a body is expected.
    private readonly byte[]? _unexpectedByte = isExpected ? null : new byte[1];
    private Stream? _body = body;

    public override bool CanWrite => false;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_body is not { } source) return new ValueTask<int>(0);
        if (_unexpectedByte is not null) return ExpectEndAsync(source, cancellationToken);
        var read = source.ReadAsync(buffer, cancellationToken);
        return read.IsCompletedSuccessfully ? read : AwaitAsync(read);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    [SuppressMessage("Design", "MA0045", Justification = "HttpClient.Send needs a synchronous read.")]
    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ValidateCopyToArguments(destination, bufferSize);
        if (_body is not { } source) return;
        if (_unexpectedByte is not null)
        {
            await ExpectEndAsync(source, cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            await source.CopyToAsync(destination, bufferSize, cancellationToken).ConfigureAwait(false);
        }
        catch (LambdaStreamingException exception)
        {
            throw HttpErrors.InBody(exception);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _body?.Dispose();
        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<int> AwaitAsync(ValueTask<int> read)
    {
        try
        {
            return await read.ConfigureAwait(false);
        }
        catch (LambdaStreamingException exception)
        {
            throw HttpErrors.InBody(exception);
        }
    }

    private async ValueTask<int> ExpectEndAsync(Stream source, CancellationToken cancellationToken)
    {
        if (await AwaitAsync(source.ReadAsync(_unexpectedByte, cancellationToken)).ConfigureAwait(false) == 0) return 0;
        _body = null;
        await source.DisposeAsync().ConfigureAwait(false);
        return 0;
    }
}
