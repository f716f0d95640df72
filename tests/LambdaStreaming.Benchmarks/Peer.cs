using Amazon.Runtime.EventStreams;
using Amazon.Runtime.EventStreams.Internal;

namespace LambdaStreaming.Benchmarks;

/// <summary>The decoder of AWSSDK.Core as its service packages use it, with a minimal event map.</summary>
internal sealed class Peer : EnumerableEventOutputStream<IEventStreamEvent, Peer.StreamException>
{
    public Peer(Stream stream)
        : base(stream)
    {
        // As in the generated classes of the service packages, the base class decodes and converts messages, and the
        // derived class raises the event.
        Decoder.MessageReceived += (_, arguments) =>
        {
            var item = ConvertMessageToEvent(arguments.Message);
            EventReceived?.Invoke(this, new EventStreamEventReceivedArgs<IEventStreamEvent>(item));
        };
    }

    public override event EventHandler<EventStreamEventReceivedArgs<IEventStreamEvent>>? EventReceived;

    protected override IDictionary<string, Func<IEventStreamMessage, IEventStreamEvent>> EventMapping { get; } =
        new Dictionary<string, Func<IEventStreamMessage, IEventStreamEvent>>(StringComparer.Ordinal)
        {
            ["PayloadChunk"] = message => new Chunk(message.Payload),
            ["InvokeComplete"] = _ => new Complete(),
        };

    protected override IDictionary<string, Func<IEventStreamMessage, StreamException>> ExceptionMapping { get; } =
        new Dictionary<string, Func<IEventStreamMessage, StreamException>>(StringComparer.Ordinal);

    protected override bool IsProcessing { get; set; }

    public sealed class Chunk(byte[] payload) : IEventStreamEvent
    {
        public byte[] Payload { get; } = payload;
    }

    public sealed class Complete : IEventStreamEvent;

    public sealed class StreamException : EventStreamException;
}
