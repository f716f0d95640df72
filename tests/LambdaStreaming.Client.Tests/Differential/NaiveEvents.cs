namespace LambdaStreaming.Tests.Differential;

/// <summary>The chunks and the end that a reader must report, from the messages of NaiveDecoder.</summary>
/// <param name="Chunks">The chunks before the end.</param>
/// <param name="End">The end of the response.</param>
internal sealed record NaiveEvents(List<byte[]> Chunks, NaiveEventsEnd End)
{
    public static NaiveEvents From(NaiveStream stream)
    {
        var chunks = new List<byte[]>();
        foreach (var message in stream.Messages)
        {
            switch (message.GetText(":message-type"))
            {
                case "event":
                    switch (message.GetText(":event-type"))
                    {
                        case "PayloadChunk":
                            chunks.Add(message.Payload);
                            break;
                        case "InvokeComplete": return new NaiveEvents(chunks, NaiveEventsEnd.InvokeComplete);
                        case "": return new NaiveEvents(chunks, NaiveEventsEnd.Corrupt);
                    }

                    break;
                case "exception" or "error": return new NaiveEvents(chunks, NaiveEventsEnd.Error);
                default: return new NaiveEvents(chunks, NaiveEventsEnd.Corrupt);
            }
        }

        var end = stream.End is NaiveEnd.Complete or NaiveEnd.Truncated
            ? NaiveEventsEnd.Truncated
            : NaiveEventsEnd.Corrupt;
        return new NaiveEvents(chunks, end);
    }

    /// <summary>Returns true if <paramref name="failure"/> is the expected end of an enumeration.</summary>
    public bool Allows(Exception? failure) => End switch
    {
        // The JSON of InvokeComplete is not checked here; other targets check it.
        NaiveEventsEnd.InvokeComplete => failure is null
            or FunctionErrorException
            or ResponseStreamCorruptException { Reason: ResponseStreamCorruptionReason.MalformedEvent },
        NaiveEventsEnd.Error => failure is ResponseStreamErrorException,
        NaiveEventsEnd.Corrupt => failure is ResponseStreamCorruptException,
        _ => failure is ResponseStreamTruncatedException,
    };
}

internal enum NaiveEventsEnd
{
    InvokeComplete,
    Error,
    Corrupt,
    Truncated,
}
