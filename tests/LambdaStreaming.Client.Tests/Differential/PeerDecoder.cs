using Amazon.Runtime.EventStreams;
using Amazon.Runtime.EventStreams.Internal;

namespace LambdaStreaming.Tests.Differential;

/// <summary>The decoder of AWSSDK.Core, as its service packages use it.</summary>
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

/// <summary>The outcome of the decoder of AWSSDK.Core.</summary>
/// <param name="Messages">The messages that it raised.</param>
/// <param name="End">
/// The type of the exception that it threw, or "no error". It does not detect a truncated stream, so that is "no
/// error", too.
/// </param>
internal sealed record PeerStream(List<IEventStreamMessage> Messages, string End);
