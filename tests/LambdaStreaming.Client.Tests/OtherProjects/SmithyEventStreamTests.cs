using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LambdaStreaming.EventStream;
using LambdaStreaming.Tests.EventStream;
using LambdaStreaming.Tests.Payload;

namespace LambdaStreaming.Tests.OtherProjects;

/// <summary>The event-stream protocol tests of smithy (restJson1, the protocol of Lambda).</summary>
/// <remarks>
/// The suite's operations are not Lambda's. A case passes if its bytes decode to its headers and body. In addition, a
/// Lambda response with these bytes must succeed or fail as the case expects of a client.
/// </remarks>
public class SmithyEventStreamTests
{
    private static readonly UpstreamSuite Suite = new(
        "smithy",
        "smithy/smithy-aws-protocol-tests/model/restJson1/event-stream.smithy",
        location => ReadAll(location).Select(@case => (string)@case["id"]!));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static IEnumerable<TheoryDataRow<string>> Cases => Suite.Cases;

    [Theory, MemberData(nameof(Cases))]
    public Task TryRead_SuiteCase_HasItsHeadersAndBody(string name) => Suite.CheckAsync(name, async () =>
    {
        var @case = ReadAll(Suite.Location).Single(@case => (string)@case["id"]! == name);
        if (@case["initialResponse"]?["code"] is { } code && (long)code >= 400)
        {
            await CheckErrorAsync(@case);
            return;
        }

        var events = @case["events"]?.AsArray() ?? [];
        Assert.True(events.Count > 0, "The case has no event, only HTTP headers of another operation.");
        foreach (var item in events) CheckDecoding(item!);
        if ((string?)events[0]!["type"] != "response" || (string?)@case["appliesTo"] == "server") return;

        var failure = await Record.ExceptionAsync(() => ReadAsync(events));
        if (@case["expectation"]?["failure"] is not { } expected) Assert.Null(failure);
        else AssertFailure(expected, failure);
    });

    [Fact]
    public void Differences_AllEntries_AreCasesOfTheSuite() => Suite.AssertDifferencesAreCases();

    private static List<JsonNode> ReadAll(string location) =>
        SmithyText.ReadTraits(File.ReadAllText(location), "eventStreamTests");

    private static void CheckDecoding(JsonNode expected)
    {
        foreach (var fragments in Fragments.Split(GetBytes(expected)))
        {
            var buffer = fragments;
            Assert.True(EventStreamDecoder.TryRead(
                ref buffer, LambdaStreamingClientOptions.DefaultMaxMessageBytes, default, out var message));

            Assert.True(buffer.IsEmpty);
            Assert.Equal((string?)expected["body"] ?? "", Encoding.UTF8.GetString(message.Payload.ToArray()));
            Assert.Equal(
                expected["headers"]!.AsObject().Select(header => Describe(header.Key, header.Value!)).Order(),
                Describe(message.Headers).Order());
        }
    }

    // The last event of a Lambda response is InvokeComplete; unknown events are skipped.
    private static async Task ReadAsync(JsonArray events)
    {
        byte[] wire = [.. events.SelectMany(item => GetBytes(item!)), .. Wire.End];
        using var stream = new FragmentedStream(wire, () => 7);
        using var client = StubbedClient.Streaming(stream);
        await using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        await foreach (var item in response.WithCancellation(Ct)) Assert.False(item.TryGetPayloadChunk(out _));
    }

    private static void AssertFailure(JsonNode expected, Exception? failure)
    {
        Assert.IsAssignableFrom<ResponseStreamException>(failure);
        if ((string?)expected["errorId"] is null) return;

        // The model maps the wire's name "error" to the type ErrorEvent.
        var error = Assert.IsType<ResponseStreamErrorException>(failure);
        Assert.Equal(("error", "foo"), (error.ErrorCode, error.ServiceMessage));
    }

    private static async Task CheckErrorAsync(JsonNode @case)
    {
        var initial = @case["initialResponse"]!;
        var body = Encoding.UTF8.GetBytes((string)initial["body"]!);
        var headers = initial["headers"]!.AsObject().Select(header => (header.Key, (string)header.Value!));
        using var stream = new MemoryStream(body);
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            stream, (HttpStatusCode)(long)initial["code"]!, [.. headers]));
        var request = new InvokeWithResponseStreamRequest("my-function")
        {
            Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never },
        };

        var error = await Assert.ThrowsAnyAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(request, Ct));

        Assert.Equal((string?)@case["expectation"]!["failure"]!["errorId"] ?? "", error.ErrorCode);
        if (error.ErrorCode.Length > 0) Assert.Equal("foo", error.ServiceMessage);
    }

    private static byte[] GetBytes(JsonNode item) => Convert.FromBase64String((string)item["bytes"]!);

    private static string Describe(string name, JsonNode value)
    {
        var (type, content) = value.AsObject().Single();
        return $"{name} {type} " + type switch
        {
            "timestamp" => DateTimeOffset.Parse((string)content!, CultureInfo.InvariantCulture)
                .ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture),
            _ => content!.ToString(),
        };
    }

    private static List<string> Describe(ReadOnlySequence<byte> block)
    {
        var headers = new EventStreamHeaders(block.ToArray());
        var descriptions = new List<string>();
        while (headers.TryRead(out var header))
        {
            var value = header.Value;
            var (type, content) = header.Type switch
            {
                EventStreamHeaderType.BoolTrue => ("boolean", "true"),
                EventStreamHeaderType.BoolFalse => ("boolean", "false"),
                EventStreamHeaderType.Byte => ("byte", Show((sbyte)value[0])),
                EventStreamHeaderType.Short => ("short", Show(BinaryPrimitives.ReadInt16BigEndian(value))),
                EventStreamHeaderType.Int => ("integer", Show(BinaryPrimitives.ReadInt32BigEndian(value))),
                EventStreamHeaderType.Long => ("long", Show(BinaryPrimitives.ReadInt64BigEndian(value))),
                EventStreamHeaderType.Bytes => ("blob", Convert.ToBase64String(value)),
                EventStreamHeaderType.String => ("string", Encoding.UTF8.GetString(value)),
                EventStreamHeaderType.Timestamp => ("timestamp", Show(BinaryPrimitives.ReadInt64BigEndian(value))),
                _ => (header.Type.ToString(), Convert.ToHexString(value)),
            };
            descriptions.Add($"{Encoding.UTF8.GetString(header.Name)} {type} {content}");
        }

        return descriptions;
    }

    private static string Show(long number) => number.ToString(CultureInfo.InvariantCulture);
}
