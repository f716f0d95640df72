using System.Net;
using System.Text.Json.Nodes;
using LambdaStreaming.Tests.Conformance;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>All cases of conformance/responses/streams, each also split into fragments.</summary>
public class StreamConformanceTests
{
    private const int RandomFragments = 20;

    public static IEnumerable<TheoryDataRow<string>> Cases => ConformanceData.Names("responses/streams");

    [Theory, MemberData(nameof(Cases))]
    public async Task ReadEvents_ConformanceCase_EndsAsExpected(string name)
    {
        var test = ConformanceData.Load("responses/streams", name);
        var body = ConformanceData.Bytes(test["response"]!["body"]);
        var random = new Random(1);

        await CheckAsync(test, body, () => body.Length + 1, asynchronous: false);
        await CheckAsync(test, body, () => 64 * 1024, asynchronous: true);
        if (body.Length <= 64 * 1024) await CheckAsync(test, body, () => 1, asynchronous: false);
        for (var i = 0; i < RandomFragments; i++) await CheckAsync(test, body, NextSize, asynchronous: i % 2 == 0);

        int NextSize() => random.Next(1, Math.Max(2, body.Length / random.Next(1, 20)));
    }

    private static async Task CheckAsync(JsonNode test, byte[] body, Func<int> nextSize, bool asynchronous)
    {
        var expect = test["expect"]!;
        var received = test["response"]!;
        var breaksOff = (string)received["end"]! == "abort";
        using var stream = new FragmentedStream(body, nextSize, breaksOff) { Asynchronous = asynchronous };
        var status = (HttpStatusCode)(int)received["status"]!;
        (string, string)[] headers =
            [.. received["headers"]!.AsArray().Select(pair => ((string)pair![0]!, (string)pair[1]!))];
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(stream, status, headers));
        var invocationType = (int)received["status"]! == 204 ? InvocationType.DryRun : InvocationType.RequestResponse;
        var request = new InvokeWithResponseStreamRequest("my-function") { InvocationType = invocationType };

        using var response = await client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((int)expect["status"]!, (int)response.StatusCode);
        Assert.Equal((string?)expect["request_id"] ?? "", response.RequestId);
        Assert.Equal((string?)expect["executed_version"], response.ExecutedVersion);
        Assert.Equal((string?)expect["response_stream_content_type"], response.ResponseStreamContentType);

        var (chunks, complete, failure) = await ReadAsync(response);
        var expectedEvents = expect["events"]!.AsArray().SelectMany(
            item => Enumerable.Repeat(item!, (int?)item!["times"] ?? 1)).ToList();
        var expectedChunks = expectedEvents.Where(item => (string)item["type"]! == "PayloadChunk").ToList();
        Assert.Equal(expectedChunks.Count, chunks.Count);
        foreach (var (want, have) in expectedChunks.Zip(chunks)) ConformanceData.AssertDigest(want["payload"]!, have);
        ConformanceData.AssertDigest(expect["total_payload"]!, chunks.SelectMany(chunk => chunk).ToArray());
        if (expect["complete"] is { } wanted)
        {
            Assert.NotNull(response.InvokeComplete);
            Assert.Equal((string?)wanted["ErrorCode"], response.InvokeComplete.ErrorCode);
            Assert.Equal((string?)wanted["ErrorDetails"], response.InvokeComplete.ErrorDetails);
            Assert.Equal((string?)wanted["LogResult"], response.InvokeComplete.LogResult);
        }
        else
        {
            Assert.Null(response.InvokeComplete);
        }

        Assert.Equal((string)expect["result"]! is "success" && (int)received["status"]! == 200, complete);
        AssertFailure(expect, failure, chunks);
    }

    private static void AssertFailure(JsonNode expect, Exception? failure, List<byte[]> chunks)
    {
        switch ((string)expect["result"]!)
        {
            case "success":
                Assert.Null(failure);
                return;
            case "function_error":
                Assert.Equal(
                    (string?)expect["complete"]!["ErrorCode"],
                    Assert.IsType<FunctionErrorException>(failure).ErrorCode);
                return;
            case "stream_error":
                var error = Assert.IsType<ResponseStreamErrorException>(failure);
                Assert.Equal((string)expect["error"]!["name"]!, error.ErrorCode);
                if ((string?)expect["error"]!["message"] is { } message) Assert.Equal(message, error.ServiceMessage);
                break;
            default:
                string[] acceptable =
                [
                    (string)expect["error"]!["class"]!,
                    .. expect["also_acceptable"]?.AsArray().Select(item => (string)item!) ?? [],
                ];
                Assert.Contains(GetErrorClass(failure), acceptable);
                break;
        }

        var streamFailure = Assert.IsAssignableFrom<ResponseStreamException>(failure);
        Assert.Equal(chunks.Count, streamFailure.ChunksReceived);
        Assert.Equal(chunks.Sum(chunk => chunk.LongLength), streamFailure.BytesReceived);
        Assert.True(streamFailure.FunctionMayHaveRun);
    }

    private static string GetErrorClass(Exception? failure) => failure switch
    {
        null => "accepts",
        ResponseStreamTruncatedException { InnerException: not null } => "transport",
        ResponseStreamTruncatedException truncated =>
            truncated.EndedInsideMessage ? "truncated" : "missing_complete",
        ResponseStreamCorruptException corrupt => corrupt.Reason switch
        {
            ResponseStreamCorruptionReason.PreludeChecksum => "prelude_checksum",
            ResponseStreamCorruptionReason.MalformedLength => "malformed_length",
            ResponseStreamCorruptionReason.MessageChecksum => "message_checksum",
            ResponseStreamCorruptionReason.MalformedHeader => "malformed_header",
            ResponseStreamCorruptionReason.MalformedEvent => "malformed_event",
            ResponseStreamCorruptionReason.UnexpectedContentType => "unexpected_content_type",
            _ => corrupt.Reason.ToString(),
        },
        _ => failure.GetType().Name,
    };

    private static async Task<(List<byte[]> Chunks, bool Complete, Exception? Failure)> ReadAsync(
        InvokeWithResponseStreamResponse response)
    {
        var chunks = new List<byte[]>();
        var complete = false;
        try
        {
            await foreach (var item in response)
            {
                Assert.False(complete);
                if (item.TryGetPayloadChunk(out var chunk)) chunks.Add(chunk.ToArray());
                else complete = item.InvokeComplete is not null;
            }

            return (chunks, complete, null);
        }
        catch (LambdaStreamingException exception)
        {
            return (chunks, complete, exception);
        }
    }
}
