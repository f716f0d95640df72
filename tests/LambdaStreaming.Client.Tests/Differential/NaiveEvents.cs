namespace LambdaStreaming.Tests.Differential;

/// <summary>What a reader of an answer must deliver, and how it must end, read off the naive messages.</summary>
/// <param name="Chunks">The payloads before the end.</param>
/// <param name="End">How it ends.</param>
internal sealed record NaiveEvents(List<byte[]> Chunks, NaiveEventsEnd End)
{
    public static NaiveEvents From(NaiveStream stream)
    {
        var chunks = new List<byte[]>();
        foreach (var message in stream.Messages)
        {
            switch (message.TextOf(":message-type"))
            {
                case "event":
                    switch (message.TextOf(":event-type"))
                    {
                        case "PayloadChunk": chunks.Add(message.Payload); break;
                        case "InvokeComplete": return new NaiveEvents(chunks, NaiveEventsEnd.InvokeComplete);
                        case "": return new NaiveEvents(chunks, NaiveEventsEnd.Corrupt);
                    }

                    break;
                case "exception" or "error": return new NaiveEvents(chunks, NaiveEventsEnd.Error);
                default: return new NaiveEvents(chunks, NaiveEventsEnd.Corrupt);
            }
        }

        return new NaiveEvents(chunks, stream.End is NaiveEnd.Whole or NaiveEnd.Truncated ? NaiveEventsEnd.Truncated : NaiveEventsEnd.Corrupt);
    }

    /// <summary>Whether an enumeration that ended with <paramref name="failure"/> ended as it must.</summary>
    public bool Allows(Exception? failure) => End switch
    {
        // What its JSON says is judged elsewhere.
        NaiveEventsEnd.InvokeComplete => failure is null or FunctionErrorException or ResponseStreamCorruptException { Reason: ResponseStreamCorruptionReason.MalformedEvent },
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
