using Amazon.Runtime.EventStreams;
using Amazon.Runtime.EventStreams.Internal;

namespace LambdaStreaming.Tests.Differential;

/// <summary>AWSSDK.Core's own decoder, as the users of its service packages get it.</summary>
internal static class PeerDecoder
{
    public static PeerStream Decode(byte[] wire)
    {
        var messages = new List<IEventStreamMessage>();
        using var decoder = new EventStreamDecoder();
        decoder.MessageReceived += (_, arguments) => messages.Add(arguments.Message);
        try
        {
            decoder.ProcessData(wire, 0, wire.Length);
            return new PeerStream(messages, "no error");
        }
        catch (Exception exception)
        {
            return new PeerStream(messages, exception.GetType().Name);
        }
    }
}

/// <param name="Messages">What it raised.</param>
/// <param name="End">The type of what it threw, or "no error": it can't tell a cut stream from a whole one.</param>
internal sealed record PeerStream(List<IEventStreamMessage> Messages, string End);
