using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using LambdaStreaming.Tests;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as text, lines, JSON values or server-sent events, which the first byte selects.</summary>
/// <remarks>The boundaries of chunks must not change the result.</remarks>
internal static class PayloadTarget
{
    private static readonly PayloadReadOptions Options = new()
    {
        MaxLineBytes = 100,
        MaxValueBytes = 100,
        MaxEventBytes = 100,
    };

    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        var payload = input[1..];
        var reader = input[0] % 4;
        var result = Read(payload, reader, () => int.MaxValue);
        var fromFragments = Read(payload, reader, new FragmentSizes(input).Next);
        FindingException.Unless(
            result == fromFragments,
            $"The split changes the result from {result} to {fromFragments}.");
        if (reader != 0) return;

        var bytes = payload.AsSpan();
        if (bytes.StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[3..];
        FindingException.Unless(result == Encoding.UTF8.GetString(bytes), "The text differs.");
    }

    private static string Read(byte[] payload, int reader, Func<int> nextSize)
    {
        using var response = InvokeWithResponseStreamResponse.Create(
            new FragmentedStream(PreludeTarget.Encode(payload, nextSize), () => int.MaxValue));
        var text = new StringBuilder();
        try
        {
            switch (reader)
            {
                case 0:
                    Collect(response.ReadTextAsync(), part => text.Append(part));
                    break;
                case 1:
                    Collect(response.ReadLinesAsync(Options), line => text.Append(line).Append('|'));
                    break;
                case 2:
                    Collect(
                        response.ReadJsonValuesAsync(FuzzJson.Default.JsonElement, Options),
                        value => text.Append(value.GetRawText()).Append('|'));
                    break;
                default:
                    Collect(
                        response.ReadServerSentEventsAsync(Options),
                        item => text.Append($"{item.EventType}:{item.Data}#{item.EventId}|"));
                    break;
            }
        }
        catch (LambdaStreamingException exception)
            when (exception is PayloadFormatException or PayloadLimitExceededException)
        {
            text.Append(exception.GetType().Name);
        }

        return text.ToString();
    }

    private static void Collect<T>(IAsyncEnumerable<T> values, Action<T> collect)
    {
        var enumerator = values.GetAsyncEnumerator();
        try
        {
            while (SynchronousTask.GetResult(enumerator.MoveNextAsync())) collect(enumerator.Current);
        }
        finally
        {
            SynchronousTask.GetResult(enumerator.DisposeAsync());
        }
    }
}

[JsonSerializable(typeof(JsonElement))]
internal sealed partial class FuzzJson : JsonSerializerContext;
