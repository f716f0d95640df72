using System.Text;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as an answer of Lambda's HTTP integration. The first byte says whether its prelude is announced; chunks' borders change nothing.</summary>
internal static class PreludeTarget
{
    private const int MaxPreludeBytes = 200;

    private static readonly byte[] Complete = EventStreamEncoder.Encode(new InvokeComplete());

    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        var payload = input[1..];
        var options = new PayloadReadOptions { MaxPreludeBytes = MaxPreludeBytes, HttpPrelude = (input[0] % 3) switch { 0 => HttpPreludeDetection.Auto, 1 => HttpPreludeDetection.Always, _ => HttpPreludeDetection.Never } };
        var whole = Read(payload, () => int.MaxValue, options);
        var cut = Read(payload, new FragmentSizes(input).Next, options);
        FindingException.Unless(whole == cut, $"The cut changes what is read, from {whole} to {cut}.");
    }

    private static string Read(byte[] payload, Func<int> nextChunk, PayloadReadOptions options)
    {
        using var response = InvokeWithResponseStreamResponse.Create(new FragmentedStream(Wire(payload, nextChunk), () => int.MaxValue));
        try
        {
            var integration = Waits.Finished(response.ReadHttpIntegrationResponseAsync(options));
            var headers = string.Join(';', integration.Headers.Select(header => $"{header.Key}={header.Value}"));
            var lists = string.Join(';', integration.MultiValueHeaders.Select(header => $"{header.Key}={string.Join(',', header.Value)}"));
            return $"{(int)integration.StatusCode} {headers} {lists} {string.Join(',', integration.Cookies)} {Convert.ToHexString(Waits.Finished(integration.ReadAsByteArrayAsync()))}";
        }
        catch (LambdaStreamingException exception) when (exception is PayloadFormatException or PayloadLimitExceededException)
        {
            return exception.GetType().Name;
        }
    }

    internal static byte[] Wire(byte[] payload, Func<int> nextChunk)
    {
        using var wire = new MemoryStream();
        for (var at = 0; at < payload.Length;)
        {
            var length = Math.Min(nextChunk(), payload.Length - at);
            wire.Write(EventStreamEncoder.Encode(payload.AsSpan(at, length)));
            at += length;
        }

        wire.Write(Complete);
        return wire.ToArray();
    }
}
