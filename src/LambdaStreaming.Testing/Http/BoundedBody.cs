using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.Testing.Http;

/// <summary>Reads the body of a request, and keeps it up to a limit.</summary>
internal static class BoundedBody
{
    /// <summary>Reads the complete body.</summary>
    /// <remarks>
    /// Bytes above the limit are read, too. Otherwise, the client would receive a connection reset instead of a reply.
    /// </remarks>
    /// <returns>The first bytes of the body, and whether these are all.</returns>
    public static async Task<(byte[] Bytes, bool IsComplete)> ReadAsync(HttpContext context, int maxBytes)
    {
        var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        var isComplete = true;
        while (await ReadAsync().ConfigureAwait(false) is > 0 and var count)
        {
            var kept = (int)Math.Min(count, maxBytes - body.Length);
            isComplete &= kept == count;
            await body.WriteAsync(buffer.AsMemory(0, kept), CancellationToken.None).ConfigureAwait(false);
        }

        return (body.ToArray(), isComplete);

        // Not RequestAborted: the peer can close its side after a complete body, of which Kestrel still has bytes.
        ValueTask<int> ReadAsync() => context.Request.Body.ReadAsync(buffer, CancellationToken.None);
    }
}
