using LambdaStreaming.Testing;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Http;
using LambdaStreaming.Testing.RuntimeApi;
using LambdaStreaming.Tests;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LambdaStreaming.Fuzz;

/// <summary>One invocation at a Runtime API endpoint, whose client keeps the response in memory.</summary>
#pragma warning disable CA1001 // The endpoint has neither a connection nor a waiting request.
internal sealed class RuntimeCall
#pragma warning restore CA1001
{
    public const string RequestId = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
    public const int Port = 9001;

    private static readonly WebPageGuard Guard = new([]);

    private static readonly Dictionary<string, string> NoHeaders = [];

    private readonly RuntimeEndpoint _endpoint = new("arn:aws:lambda:eu-central-1:123456789012:function:f", Guard);
    private readonly ReceivedBody _body = new();

    public RuntimeCall()
    {
        var request = new ReceivedRequest
        {
            RequestId = RequestId,
            Method = "POST",
            Target = "/",
            Headers = NoHeaders,
            ConnectionId = "1",
        };
        var cancellation = new CancellationTokenSource();
        Output = new FunctionOutput(
            _body, InjectedFaults.None, request, TimeProvider.System, cancellation, cancellation, default);
        Invocation = new RuntimeInvocation(CreateInvocation(null), new FunctionResponse(Output));
        _endpoint.Enqueue(Invocation);
    }

    public RuntimeInvocation Invocation { get; }

    public FunctionOutput Output { get; }

    /// <summary>The bytes of all chunks.</summary>
    public ReadOnlySpan<byte> Payload => _body.Bytes.GetBuffer().AsSpan(0, (int)_body.Bytes.Length);

    public static FunctionInvocation CreateInvocation(string? clientContext, string? tenantId = null) => new()
    {
        RequestId = RequestId,
        FunctionName = "f",
        ExecutedVersion = "$LATEST",
        InvocationType = "RequestResponse",
        LogType = "None",
        ClientContext = clientContext,
        TenantId = tenantId,
        Headers = NoHeaders,
    };

    /// <summary>Handles a request of the runtime.</summary>
    public RuntimeReply Send(string method, string path, byte[] body, RuntimeRequestHeaders headers, Func<int> nextSize)
    {
        var reply = new RuntimeReply(method, path, body, headers, nextSize);
        var request = _endpoint.ProcessRequestAsync(reply.Context);
        SynchronousTask.GetResult(new ValueTask(request));
        return reply;
    }

    private sealed class ReceivedBody : IResponseBody
    {
        public MemoryStream Bytes { get; } = new();

        public long? MaxPayloadBytes => null;

        public bool HasEnded => false;

        public Task StartAsync(string contentType) => Task.CompletedTask;

        public Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            Bytes.Write(payload.Span);
            return Task.CompletedTask;
        }

        public Task InterruptAsync(Interruption interruption) => throw new NotSupportedException();

        public Task AbortAsync(TruncationMode mode) => throw new NotSupportedException();

        public Task CompleteAsync(FunctionError? error, LogTail log) => throw new NotSupportedException();
    }
}

/// <summary>The headers and trailers of a request of a runtime. Null values are not sent.</summary>
internal readonly record struct RuntimeRequestHeaders(
    string? Mode = null,
    string? ContentType = null,
    string? ErrorType = null,
    string? TrailerErrorType = null,
    string? TrailerErrorBody = null,
    string? Host = null,
    bool HasTrailers = false);

/// <summary>A request of a runtime and its reply, without a connection.</summary>
#pragma warning disable CA1001 // A stream in memory.
internal sealed class RuntimeReply : IHttpRequestTrailersFeature, IHttpRequestLifetimeFeature
#pragma warning restore CA1001
{
    private const string ErrorType = "Lambda-Runtime-Function-Error-Type";

    private readonly MemoryStream _reply = new();
    private readonly HeaderDictionary _trailers = [];
    private readonly HttpResponseFeature _response = new();

    public RuntimeReply(
        string method, string path, byte[] body, RuntimeRequestHeaders headers, Func<int> nextSize)
    {
        var sent = new HeaderDictionary { ["Host"] = headers.Host ?? "127.0.0.1:9001" };
        if (headers.Mode is { } mode) sent["Lambda-Runtime-Function-Response-Mode"] = mode;
        if (headers.ContentType is { } contentType) sent["Content-Type"] = contentType;
        if (headers.ErrorType is { } errorType) sent[ErrorType] = errorType;
        if (headers.TrailerErrorType is { } trailerType) _trailers[ErrorType] = trailerType;
        if (headers.TrailerErrorBody is { } trailerBody) _trailers["Lambda-Runtime-Function-Error-Body"] = trailerBody;
        Available = headers.HasTrailers;
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = method,
            Path = path,
            Headers = sent,
            Body = new FragmentedStream(body, nextSize),
        });
        features.Set<IHttpResponseFeature>(_response);
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(_reply));
        features.Set<IHttpConnectionFeature>(new HttpConnectionFeature { LocalPort = RuntimeCall.Port });
        features.Set<IHttpRequestTrailersFeature>(this);
        features.Set<IHttpRequestLifetimeFeature>(this);
        Context = new DefaultHttpContext(features);
    }

    public HttpContext Context { get; }

    public int Status => _response.StatusCode;

    public bool IsAborted { get; private set; }

    public ReadOnlySpan<byte> Body => _reply.GetBuffer().AsSpan(0, (int)_reply.Length);

    public bool Available { get; }

    public IHeaderDictionary Trailers => _trailers;

    public CancellationToken RequestAborted { get; set; }

    public void Abort() => IsAborted = true;
}
