using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Errors;
using LambdaStreaming.Tests.Conformance;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Errors;

/// <summary>All cases of conformance/responses/errors, and each entry of the error table over a socket.</summary>
public class ErrorConformanceTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly InvokeWithResponseStreamRequest Request = new("my-function")
    {
        Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never },
    };

    public static IEnumerable<TheoryDataRow<string>> Cases => ConformanceData.Names("responses/errors");

    [Fact]
    public void Cases_ConformanceFolder_Has55() => Assert.Equal(55, Cases.Count());

    [Theory, MemberData(nameof(Cases))]
    public async Task InvokeWithResponseStreamAsync_ConformanceCase_ThrowsAsExpected(string name)
    {
        var test = ConformanceData.Load("responses/errors", name);
        var (response, expected) = (test["response"]!, test["expect"]!);
        var body = ConformanceData.Bytes(response["body"]);
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            new FragmentedStream(body, () => 7, breaksOff: (string)response["end"]! == "abort") { Asynchronous = true },
            (HttpStatusCode)(int)response["status"]!,
            [.. response["headers"]!.AsArray().Select(pair => ((string)pair![0]!, (string)pair[1]!))]));

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(Request, Ct));

        Assert.Equal("service_error", (string)expected["result"]!);
        Assert.Equal((int)expected["status"]!, (int)exception.StatusCode);
        Assert.Equal((string)expected["request_id"]!, exception.RequestId);
        Assert.Equal(
            (string)expected["fault"]! == "server" ? ErrorType.Receiver : ErrorType.Sender, exception.ErrorType);
        var otherNames = expected["also_acceptable_names"]?.AsArray().Select(item => (string?)item ?? "") ?? [];
        string[] names = [(string?)expected["name"] ?? "", .. otherNames];
        Assert.Contains(exception.ErrorCode, names);
        var entry = ServiceErrorTable.Find(exception.ErrorCode);
        Assert.Equal(
            entry is null ? typeof(LambdaServiceException) : ServiceErrorTableTests.GetExceptionType(entry),
            exception.GetType());
        if ((bool)expected["documented"]!) Assert.Contains(entry!, ServiceErrorTable.OperationErrors);
        if ((string?)expected["message"] is { } message) Assert.Equal(message, exception.ServiceMessage);
        foreach (var (field, value) in expected["fields"]!.AsObject())
            Assert.Equal((string?)value, exception.Fields[field]);
        if (exception is TooManyRequestsException throttled)
        {
            var hasRetryAfter = int.TryParse((string?)expected["fields"]!["retryAfterSeconds"], out var seconds);
            Assert.Equal((string?)expected["fields"]!["Reason"], throttled.Reason);
            Assert.Equal(hasRetryAfter ? TimeSpan.FromSeconds(seconds) : null, throttled.RetryAfter);
        }
    }

    [Theory, MemberData(nameof(ServiceErrorTableTests.Codes), MemberType = typeof(ServiceErrorTableTests))]
    public async Task InvokeWithResponseStreamAsync_ErrorOverASocket_ThrowsItsType(string code)
    {
        var entry = ServiceErrorTable.Find(code)!;
        await using var server = RawServer.Responding(RawServer.CreateResponse(
            entry.StatusCode,
            """{"Type":"User","message":"what happened","Reason":"why","EC2ErrorCode":"ec2"}"""u8.ToArray(),
            "x-amzn-ErrorType: " + code,
            "x-amzn-RequestId: 0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11",
            "Retry-After: 7",
            "Content-Type: application/json"));
        using var client = server.CreateClient();

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(Request, Ct));

        Assert.Equal(
            code.EndsWith("Exception", StringComparison.Ordinal) ? code : code + "Exception", exception.GetType().Name);
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

    // Counts the requests at the server: which errors are retried by default, and how often.
    [Theory, MemberData(nameof(ServiceErrorTableTests.Codes), MemberType = typeof(ServiceErrorTableTests))]
    public async Task InvokeWithResponseStreamAsync_ErrorPersists_IsRetriedAsTheTableAllows(string code)
    {
        var entry = ServiceErrorTable.Find(code)!;
        await using var server = RawServer.Responding(
            RawServer.CreateResponse(entry.StatusCode, "{}"u8.ToArray(), "x-amzn-ErrorType: " + code));
        using var client = server.CreateClient(new LambdaRetryOptions
        {
            MaxAttempts = 3,
            BaseDelay = TimeSpan.Zero,
            ThrottlingBaseDelay = TimeSpan.Zero,
        });

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(new("my-function"), Ct));

        var sends = entry.IsTransient && !entry.FunctionMayHaveRun ? 3 : 1;
        Assert.Equal(sends, server.CompleteRequests);
        Assert.Equal(sends, exception.Attempts);
    }
}
