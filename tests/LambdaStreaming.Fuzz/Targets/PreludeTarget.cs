using System.Text;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests;

namespace LambdaStreaming.Fuzz;

/// <summary>
/// Any bytes as a response of Lambda's HTTP integration. The first byte selects the detection mode.
/// </summary>
/// <remarks>The boundaries of chunks must not change the result.</remarks>
internal static class PreludeTarget
{
    private const int MaxPreludeBytes = 200;

    private static readonly byte[] Complete = EventStreamEncoder.Encode(new InvokeComplete());

    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        var payload = input[1..];
        var detection = (input[0] % 3) switch
        {
            0 => HttpPreludeDetection.Auto,
            1 => HttpPreludeDetection.Always,
            _ => HttpPreludeDetection.Never,
        };
        var options = new PayloadReadOptions { MaxPreludeBytes = MaxPreludeBytes, HttpPrelude = detection };
        var result = Read(payload, () => int.MaxValue, options);
        var fromFragments = Read(payload, new FragmentSizes(input).Next, options);
        FindingException.Unless(
            result == fromFragments,
            $"The split changes the result from {result} to {fromFragments}.");
    }

    private static string Read(byte[] payload, Func<int> nextSize, PayloadReadOptions options)
    {
        using var response = InvokeWithResponseStreamResponse.Create(
            new FragmentedStream(Encode(payload, nextSize), () => int.MaxValue));
        try
        {
            var integration = SynchronousTask.GetResult(response.ReadHttpIntegrationResponseAsync(options));
            var headers = string.Join(';', integration.Headers.Select(header => $"{header.Key}={header.Value}"));
            var lists = string.Join(
                ';',
                integration.MultiValueHeaders.Select(header => $"{header.Key}={string.Join(',', header.Value)}"));
            var cookies = string.Join(',', integration.Cookies);
            var body = Convert.ToHexString(SynchronousTask.GetResult(integration.ReadAsByteArrayAsync()));
            return $"{(int)integration.StatusCode} {headers} {lists} {cookies} {body}";
        }
        catch (LambdaStreamingException exception)
            when (exception is PayloadFormatException or PayloadLimitExceededException)
        {
            return exception.GetType().Name;
        }
    }

    internal static byte[] Encode(byte[] payload, Func<int> nextSize)
    {
        using var wire = new MemoryStream();
        for (var at = 0; at < payload.Length;)
        {
            var length = Math.Min(nextSize(), payload.Length - at);
            wire.Write(EventStreamEncoder.Encode(payload.AsSpan(at, length)));
            at += length;
        }

        wire.Write(Complete);
        return wire.ToArray();
    }
}
