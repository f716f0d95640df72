// Declarations of AWSSDK.Lambda 4 that the code for the page on migration uses: names only, no behaviour.
// Source: aws/aws-sdk-net, sdk/src/Services/Lambda/Generated.
#nullable enable
#pragma warning disable CS0067, CS1998
namespace Amazon.Lambda
{
    using Amazon.Lambda.Model;

    public sealed class LogType
    {
        public static readonly LogType Tail = new();
    }

    public sealed class AmazonLambdaClient : System.IDisposable
    {
        public AmazonLambdaClient()
        {
        }

        public AmazonLambdaClient(RegionEndpoint region)
        {
        }

        public Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(
            InvokeWithResponseStreamRequest request,
            CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}

namespace Amazon.Lambda.Model
{
    using Amazon.Runtime.EventStreams;

    public sealed class InvokeWithResponseStreamRequest
    {
        public string? FunctionName { get; set; }

        public LogType? LogType { get; set; }

        public MemoryStream? Payload { get; set; }
    }

    public sealed class InvokeWithResponseStreamResponse
    {
        public InvokeWithResponseStreamResponseEvent EventStream { get; set; } = null!;
    }

    public sealed class InvokeWithResponseStreamResponseEvent : IAsyncEnumerable<IEventStreamEvent>, IDisposable
    {
        public event EventHandler<EventStreamEventReceivedArgs<InvokeResponseStreamUpdate>>? PayloadChunkReceived;

        public event EventHandler<EventStreamEventReceivedArgs<InvokeWithResponseStreamCompleteEvent>>?
            InvokeCompleteReceived;

        public event EventHandler<
            EventStreamExceptionReceivedArgs<Runtime.EventStreams.Internal.EventStreamException>>? ExceptionReceived;

        public void StartProcessing() => throw new NotSupportedException();

        public IAsyncEnumerator<IEventStreamEvent> GetAsyncEnumerator(CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public void Dispose()
        {
        }
    }

    public sealed class InvokeResponseStreamUpdate : IEventStreamEvent
    {
        public MemoryStream Payload { get; set; } = null!;
    }

    public sealed class InvokeWithResponseStreamCompleteEvent : IEventStreamEvent
    {
        public string? ErrorCode { get; set; }

        public string? ErrorDetails { get; set; }
    }
}
