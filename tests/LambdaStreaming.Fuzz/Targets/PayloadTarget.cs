using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using LambdaStreaming.Tests;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as text, lines, JSON values and server-sent events. The first byte says which; chunks' borders change nothing.</summary>
internal static class PayloadTarget
{
    private static readonly PayloadReadOptions Options = new() { MaxLineBytes = 100, MaxValueBytes = 100, MaxEventBytes = 100 };

    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        var payload = input[1..];
        var whole = Read(payload, input[0] % 4, () => int.MaxValue);
        var cut = Read(payload, input[0] % 4, new FragmentSizes(input).Next);
        FindingException.Unless(whole == cut, $"The cut changes what is read, from {whole} to {cut}.");
        if (input[0] % 4 == 0) FindingException.Unless(whole == Encoding.UTF8.GetString(payload.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? payload.AsSpan(3) : payload), "The text is another one.");
    }

    private static string Read(byte[] payload, int how, Func<int> nextChunk)
    {
        using var response = InvokeWithResponseStreamResponse.Create(new FragmentedStream(PreludeTarget.Wire(payload, nextChunk), () => int.MaxValue));
        var text = new StringBuilder();
        try
        {
            switch (how)
            {
                case 0: Collect(response.ReadTextAsync(), piece => text.Append(piece)); break;
                case 1: Collect(response.ReadLinesAsync(Options), line => text.Append(line).Append('|')); break;
                case 2: Collect(response.ReadJsonValuesAsync(FuzzJson.Default.JsonElement, Options), value => text.Append(value.GetRawText()).Append('|')); break;
                default: Collect(response.ReadServerSentEventsAsync(Options), item => text.Append(item.EventType).Append(':').Append(item.Data).Append('#').Append(item.EventId).Append('|')); break;
            }
        }
        catch (LambdaStreamingException exception) when (exception is PayloadFormatException or PayloadLimitExceededException)
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
            while (Waits.Finished(enumerator.MoveNextAsync())) collect(enumerator.Current);
        }
        finally
        {
            Waits.Finished(enumerator.DisposeAsync());
        }
    }
}

[JsonSerializable(typeof(JsonElement))]
internal sealed partial class FuzzJson : JsonSerializerContext;
