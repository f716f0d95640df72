using System.Net;
using System.Text.Json.Nodes;
using Amazon.Runtime;
using LambdaStreaming.Errors;
using LambdaStreaming.Tests.Conformance;

namespace LambdaStreaming.Tests.Errors;

public class ServiceErrorTableTests
{
    public static IEnumerable<TheoryDataRow<string>> Codes =>
        All.Select(entry => new TheoryDataRow<string>(entry.Code!));

    private static IEnumerable<ServiceErrorEntry> All =>
        ServiceErrorTable.OperationErrors.Concat(ServiceErrorTable.Common);

    [Fact]
    public void OfTheOperation_ServiceModel_HasTheSameErrors()
    {
        var documented = LoadDocumentedErrors();

        Assert.Equal(
            documented.Select(error => (
                (string)error["error"]!,
                (int)error["status"]!,
                (string)error["fault"]! == "server" ? ErrorType.Receiver : ErrorType.Sender)),
            ServiceErrorTable.OperationErrors.Select(entry => (
                entry.Code!,
                entry.StatusCode,
                entry.Create("m", new LambdaErrorDetails()).ErrorType)));
        Assert.Equal(40, documented.Count);
    }

    [Fact]
    public void Create_FieldsOfTheServiceModel_SetsTheProperties()
    {
        string[] commonFields = ["Type", "Message", "message", "retryAfterSeconds"];
        var documented = LoadDocumentedErrors();
        var specificFields =
            from error in documented
            from member in error["members"]!.AsObject()
            where !commonFields.Contains(member.Key, StringComparer.Ordinal)
            select (Code: (string)error["error"]!, Field: member.Key);

        Assert.Equal(
            [("EC2UnexpectedException", "EC2ErrorCode"), ("TooManyRequestsException", "Reason")], specificFields);
        Assert.All(specificFields, item =>
        {
            var fields = new Dictionary<string, string>(StringComparer.Ordinal) { [item.Field] = "value" };
            var exception = ServiceErrorTable.Find(item.Code)!.Create("m", new LambdaErrorDetails { Fields = fields });
            Assert.Equal("value", exception.GetType().GetProperty(item.Field)!.GetValue(exception));
        });
        var throttled = documented.Single(error => (string)error["error"]! == "TooManyRequestsException");
        Assert.Equal(
            throttled["reasons"]!.AsArray().Select(reason => (string)reason!),
            typeof(TooManyRequestsReasons).GetFields().Select(field => (string)field.GetRawConstantValue()!));
    }

    [Theory, MemberData(nameof(Codes))]
    public void Constructor_OnlyAMessage_SetsThePropertiesFromTheTable(string code)
    {
        var entry = ServiceErrorTable.Find(code)!;

        var exception = (LambdaServiceException)Activator.CreateInstance(GetExceptionType(entry), "m", null, null)!;

        Assert.True(exception.GetType().IsSealed);
        Assert.Equal("m", exception.Message);
        Assert.Equal("m", exception.ServiceMessage);
        Assert.Equal(code, exception.ErrorCode);
        Assert.Equal((HttpStatusCode)entry.StatusCode, exception.StatusCode);
        Assert.Equal(entry.StatusCode >= 500 ? ErrorType.Receiver : ErrorType.Sender, exception.ErrorType);
        Assert.Equal(entry.IsThrottling, exception.IsThrottling);
        Assert.Equal(entry.FunctionMayHaveRun, exception.FunctionMayHaveRun);
        Assert.Equal(entry.IsTransient && !entry.FunctionMayHaveRun, exception.IsSafeToRetry);
        Assert.Equal(entry.IsTransient, exception.Retryable is not null);
        Assert.Equal(entry.IsThrottling, exception.Retryable?.Throttling ?? false);
    }

    [Theory, MemberData(nameof(Codes))]
    public void Find_NameWithOrWithoutSuffix_ReturnsTheEntry(string code)
    {
        var entry = ServiceErrorTable.Find(code)!;

        Assert.All(entry.Aliases.Prepend(code), name =>
        {
            var bare = name.EndsWith("Exception", StringComparison.Ordinal) ? name[..^"Exception".Length] : name;
            Assert.Same(entry, ServiceErrorTable.Find(name));
            Assert.Same(entry, ServiceErrorTable.Find(bare));
            Assert.Same(entry, ServiceErrorTable.Find(bare + "Exception"));
        });
    }

    [Fact]
    public void Entries_All_HaveDifferentTypesAndAdvice()
    {
        var entries = All.ToList();
        var types = typeof(LambdaServiceException).Assembly.GetExportedTypes()
            .Where(type => type.BaseType == typeof(LambdaServiceException))
            .ToHashSet();

        Assert.Equal(entries.Count, entries.Select(GetExceptionType).Distinct().Count());
        Assert.Equal(types, entries.Select(GetExceptionType).ToHashSet());
        Assert.All(entries, entry => Assert.True(entry.Advice.EndsWith('.'), entry.Code));
    }

    // Listed in full, so that a change of the table changes this list: each of these errors is retried by default.
    [Fact]
    public void Entries_RetriedByDefault_AreTheListedOnes()
    {
        var retried = All
            .Where(entry => entry.Create("m", new LambdaErrorDetails()).IsSafeToRetry)
            .Select(entry => entry.Code!);

        Assert.Equal(
            [
                "CodeArtifactUserPendingException",
                "EC2ThrottledException",
                "EC2UnexpectedException",
                "EFSMountConnectivityException",
                "EFSMountTimeoutException",
                "ENILimitReachedException",
                "ResourceNotReadyException",
                "S3FilesMountConnectivityException",
                "S3FilesMountTimeoutException",
                "SnapStartNotReadyException",
                "SubnetIPAddressLimitReachedException",
                "TooManyRequestsException",
                "ThrottlingException",
            ],
            retried);
    }

    [Fact]
    public void Entries_FunctionMayHaveRun_AreTheListedOnes()
    {
        var mayHaveRun = All
            .Where(entry => entry.FunctionMayHaveRun)
            .Select(entry => (entry.Code!, entry.IsTransient));

        Assert.Equal(
            [
                ("EFSIOException", false),
                ("ServiceException", true),
                ("SnapStartException", false),
                ("SnapStartTimeoutException", true),
                ("InternalFailure", true),
                ("RequestAbortedException", false),
                ("RequestTimeoutException", true),
                ("ServiceUnavailable", true),
            ],
            mayHaveRun);
    }

    // Source: AWSSDK.Core 4.0.102 and botocore 1.43.11, throttling codes and clock skew codes of the official SDKs.
    [Theory]
    [InlineData("Throttling")]
    [InlineData("ThrottlingException")]
    [InlineData("ThrottledException")]
    [InlineData("RequestThrottledException")]
    [InlineData("TooManyRequestsException")]
    [InlineData("ProvisionedThroughputExceededException")]
    [InlineData("TransactionInProgressException")]
    [InlineData("RequestLimitExceeded")]
    [InlineData("BandwidthLimitExceeded")]
    [InlineData("LimitExceededException")]
    [InlineData("RequestThrottled")]
    [InlineData("SlowDown")]
    [InlineData("PriorRequestNotComplete")]
    [InlineData("EC2ThrottledException")]
    public void Find_ThrottlingCodeOfTheOfficialSdks_IsThrottling(string code) =>
        Assert.True(ServiceErrorTable.Find(code)!.IsThrottling);

    [Theory]
    [InlineData("InvalidSignatureException")]
    [InlineData("SignatureDoesNotMatch")]
    [InlineData("AuthFailure")]
    [InlineData("RequestTimeTooSkewed")]
    [InlineData("AccessDeniedException")]
    [InlineData("RequestExpired")]
    [InlineData("RequestInTheFuture")]
    public void Find_ClockSkewCodeOfTheOfficialSdk_MayBeClockSkewAndIsNotTransient(string code)
    {
        var entry = ServiceErrorTable.Find(code)!;

        Assert.True(entry.MayBeClockSkew);
        Assert.False(entry.IsTransient);
    }

    [Theory]
    [InlineData("QuantumDecoherenceException")]
    [InlineData("resourcenotfoundexception")]
    [InlineData("")]
    [InlineData("Exception")]
    [InlineData(null)]
    public void Find_UnknownName_ReturnsNull(string? code) => Assert.Null(ServiceErrorTable.Find(code));

    [Theory]
    [InlineData(301, false, false, false)]
    [InlineData(307, false, false, false)]
    [InlineData(400, false, false, true)]
    [InlineData(403, false, false, false)]
    [InlineData(404, false, false, false)]
    [InlineData(408, true, false, true)]
    [InlineData(410, false, false, true)]
    [InlineData(418, false, false, true)]
    [InlineData(429, true, true, false)]
    [InlineData(500, true, false, true)]
    [InlineData(501, false, false, true)]
    [InlineData(502, true, false, true)]
    [InlineData(503, true, false, true)]
    [InlineData(504, true, false, true)]
    [InlineData(0, false, false, true)]
    public void Constructor_UnknownErrorCode_IsClassifiedByStatus(
        int status,
        bool transient,
        bool throttling,
        bool mayHaveRun)
    {
        var details = new LambdaErrorDetails { ErrorCode = "FutureException", StatusCode = (HttpStatusCode)status };
        var exception = new LambdaServiceException("m", details);

        Assert.Equal("FutureException", exception.ErrorCode);
        Assert.Equal(transient, exception.Retryable is not null);
        Assert.Equal(throttling, exception.IsThrottling);
        Assert.Equal(mayHaveRun, exception.FunctionMayHaveRun);
        Assert.Equal(transient && !mayHaveRun, exception.IsSafeToRetry);
    }

    internal static Type GetExceptionType(ServiceErrorEntry entry) =>
        entry.Create("m", new LambdaErrorDetails()).GetType();

    private static List<JsonNode> LoadDocumentedErrors()
    {
        var path = Path.Combine(ConformanceData.Root, "responses", "documented-errors.json");
        return [.. ConformanceData.LoadFile(path).AsArray().Select(error => error!)];
    }
}
