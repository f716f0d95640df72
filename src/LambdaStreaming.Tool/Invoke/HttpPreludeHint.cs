using System.Buffers;
using System.Text;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>Detects a response that begins with an HTTP prelude, although <c>--http</c> was not used.</summary>
internal sealed class HttpPreludeHint
{
    public const string Text =
        "the payload begins with an HTTP status and headers; use --http to print them separately from the body";

    private const int MaxBytes = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _beginning = new();
    private ResponseStreamMetadata? _metadata;
    private bool _isRuledOut;

    /// <summary>Sets the response, whose content type can rule out a prelude.</summary>
    public void SetResponse(InvokeWithResponseStreamResponse response) => _metadata = new ResponseStreamMetadata
    {
        ResponseStreamContentType = response.ResponseStreamContentType,
    };

    /// <summary>Records the beginning of the payload, if it can be a prelude.</summary>
    public void Add(ReadOnlySequence<byte> chunk)
    {
        if (_isRuledOut || chunk.IsEmpty || _beginning.WrittenCount >= MaxBytes)
            return;
        if (_beginning.WrittenCount == 0)
            _isRuledOut = chunk.FirstSpan.TrimStart(" \t\r\n"u8) is [not ((byte)'{' or 0xEF), ..];
        if (!_isRuledOut)
            _beginning.Write(chunk.Slice(0, Math.Min(chunk.Length, MaxBytes - _beginning.WrittenCount)).ToArray());
    }

    /// <summary>Returns whether the recorded beginning is an HTTP prelude, by the rules of the library.</summary>
    public async Task<bool> IsNeededAsync()
    {
        if (_isRuledOut || _beginning.WrittenCount == 0)
            return false;
        try
        {
            await using var response = InvokeWithResponseStreamResponse.Create(
                [Encoding.UTF8.GetString(_beginning.WrittenSpan)], metadata: _metadata);
            await using var http = await response.ReadHttpIntegrationResponseAsync();
            return http.HasPrelude;
        }
        catch (PayloadFormatException)
        {
            return false;
        }
    }
}
