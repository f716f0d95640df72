using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Errors;
using LambdaStreaming.Tests.Conformance;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Http;

/// <summary>conformance/responses/errors whole, and every row of the catalogue over a socket.</summary>
public class ErrorConformanceTests
{
    private static readonly InvokeWithResponseStreamRequest Request = new("my-function") { Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never } };

    public static IEnumerable<TheoryDataRow<string>> Cases => ConformanceData.Names("responses/errors");

    [Fact]
    public void Cases_AreAllThere() => Assert.Equal(55, Cases.Count());

    [Theory, MemberData(nameof(Cases))]
    public async Task Invoke_ConformanceCase_ThrowsAsExpected(string name)
    {
        var test = ConformanceData.Load("responses/errors", name);
        var (head, expect) = (test["response"]!, test["expect"]!);
        var body = ConformanceData.Bytes(head["body"]);
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(
            new FragmentedStream(body, () => 7, breaksOff: (string)head["end"]! == "abort") { Asynchronous = true },
            (HttpStatusCode)(int)head["status"]!,
            [.. head["headers"]!.AsArray().Select(pair => ((string)pair![0]!, (string)pair[1]!))]));

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(Request, TestContext.Current.CancellationToken));

        Assert.Equal("service_error", (string)expect["result"]!);
        Assert.Equal((int)expect["status"]!, (int)exception.StatusCode);
        Assert.Equal((string)expect["request_id"]!, exception.RequestId);
        Assert.Equal((string)expect["fault"]! == "server" ? ErrorType.Receiver : ErrorType.Sender, exception.ErrorType);
        string[] names = [(string?)expect["name"] ?? "", .. expect["also_acceptable_names"]?.AsArray().Select(item => (string?)item ?? "") ?? []];
        Assert.Contains(exception.ErrorCode, names);
        var known = ServiceErrorTable.Find(exception.ErrorCode);
        Assert.Equal(known is null ? typeof(LambdaServiceException) : ServiceErrorTableTests.TypeOf(known), exception.GetType());
        if ((bool)expect["documented"]!) Assert.Contains(known!, ServiceErrorTable.OfTheOperation);
        if ((string?)expect["message"] is { } message) Assert.Equal(message, exception.ServiceMessage);
        foreach (var (field, value) in expect["fields"]!.AsObject()) Assert.Equal((string?)value, exception.Fields[field]);
        if (exception is TooManyRequestsException throttled)
        {
            Assert.Equal((string?)expect["fields"]!["Reason"], throttled.Reason);
            Assert.Equal(int.TryParse((string?)expect["fields"]!["retryAfterSeconds"], out var seconds) ? TimeSpan.FromSeconds(seconds) : null, throttled.RetryAfter);
        }
    }

    [Theory, MemberData(nameof(ServiceErrorTableTests.Codes), MemberType = typeof(ServiceErrorTableTests))]
    public async Task Invoke_ErrorOverASocket_ThrowsItsType(string code)
    {
        var entry = ServiceErrorTable.Find(code)!;
        await using var server = RawServer.Responding(RawServer.Answer(
            entry.StatusCode,
            """{"Type":"User","message":"what happened","Reason":"why","EC2ErrorCode":"ec2"}"""u8.ToArray(),
            "x-amzn-ErrorType: " + code,
            "x-amzn-RequestId: 0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11",
            "Retry-After: 7",
            "Content-Type: application/json"));
        using var client = server.CreateClient();

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(Request, TestContext.Current.CancellationToken));

        Assert.Equal(code.EndsWith("Exception", StringComparison.Ordinal) ? code : code + "Exception", exception.GetType().Name);
        Assert.Equal(code, exception.ErrorCode);
        Assert.Equal(entry.StatusCode, (int)exception.StatusCode);
        Assert.Equal("what happened", exception.ServiceMessage);
        Assert.Equal("User", exception.ServiceErrorType);
        Assert.Equal("my-function", exception.FunctionName);
        Assert.Equal("us-east-1", exception.Region);
        Assert.Equal("0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11", exception.RequestId);
        Assert.Equal(TimeSpan.FromSeconds(7), exception.RetryAfter);
        Assert.Equal(1, exception.Attempts);
        Assert.Equal(1, server.CompleteRequests);
        if (exception is TooManyRequestsException throttled) Assert.Equal("why", throttled.Reason);
        if (exception is EC2UnexpectedException unexpected) Assert.Equal("ec2", unexpected.EC2ErrorCode);
    }

    // What is sent again by default, and how often, seen at the server.
    [Theory, MemberData(nameof(ServiceErrorTableTests.Codes), MemberType = typeof(ServiceErrorTableTests))]
    public async Task Invoke_ErrorThatStays_IsSentAgainWhereTheCatalogueSaysSo(string code)
    {
        var entry = ServiceErrorTable.Find(code)!;
        await using var server = RawServer.Responding(RawServer.Answer(entry.StatusCode, "{}"u8.ToArray(), "x-amzn-ErrorType: " + code));
        using var client = server.CreateClient(new LambdaRetryOptions { MaxAttempts = 3, BaseDelay = TimeSpan.Zero, ThrottlingBaseDelay = TimeSpan.Zero });

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(new("my-function"), TestContext.Current.CancellationToken));

        var sends = entry.IsTransient && !entry.FunctionMayHaveRun ? 3 : 1;
        Assert.Equal(sends, server.CompleteRequests);
        Assert.Equal(sends, exception.Attempts);
    }
}
