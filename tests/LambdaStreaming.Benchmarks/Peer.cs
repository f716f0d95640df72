using Amazon.Runtime.EventStreams;
using Amazon.Runtime.EventStreams.Internal;

namespace LambdaStreaming.Benchmarks;

/// <summary>AWSSDK.Core's own decoder as the users of its service packages get it, with the smallest event map that tells chunks from their end.</summary>
internal sealed class Peer : EnumerableEventOutputStream<IEventStreamEvent, Peer.StreamException>
{
    public Peer(Stream stream)
        : base(stream)
    {
        // What the generated classes of the service packages do: the base decodes and converts, they raise the event.
        Decoder.MessageReceived += (_, arguments) => EventReceived?.Invoke(this, new EventStreamEventReceivedArgs<IEventStreamEvent>(ConvertMessageToEvent(arguments.Message)));
    }

    public override event EventHandler<EventStreamEventReceivedArgs<IEventStreamEvent>>? EventReceived;

    protected override IDictionary<string, Func<IEventStreamMessage, IEventStreamEvent>> EventMapping { get; } = new Dictionary<string, Func<IEventStreamMessage, IEventStreamEvent>>(StringComparer.Ordinal)
    {
        ["PayloadChunk"] = message => new Chunk(message.Payload),
        ["InvokeComplete"] = _ => new Complete(),
    };

    protected override IDictionary<string, Func<IEventStreamMessage, StreamException>> ExceptionMapping { get; } = new Dictionary<string, Func<IEventStreamMessage, StreamException>>(StringComparer.Ordinal);

    protected override bool IsProcessing { get; set; }

    public sealed class Chunk(byte[] payload) : IEventStreamEvent
    {
        public byte[] Payload { get; } = payload;
    }

    public sealed class Complete : IEventStreamEvent;

    public sealed class StreamException : EventStreamException;
}
