using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Errors;
using LambdaStreaming.Tests.Conformance;

namespace LambdaStreaming.Tests.Http;

public class ServiceErrorTableTests
{
    public static IEnumerable<TheoryDataRow<string>> Codes => ServiceErrorTable.OfTheOperation.Concat(ServiceErrorTable.Common).Select(entry => new TheoryDataRow<string>(entry.Code!));

    [Fact]
    public void OfTheOperation_EqualsTheServicesModel()
    {
        var documented = ConformanceData.LoadFile(Path.Combine(ConformanceData.Root, "responses", "documented-errors.json")).AsArray();

        Assert.Equal(
            documented.Select(error => ((string)error!["error"]!, (int)error["status"]!, (string)error["fault"]! == "server" ? ErrorType.Receiver : ErrorType.Sender)),
            ServiceErrorTable.OfTheOperation.Select(entry => (entry.Code!, entry.StatusCode, entry.Create("m", new LambdaErrorDetails()).ErrorType)));
        Assert.Equal(40, documented.Count);
    }

    [Fact]
    public void Types_OfTheModelsMembers_HaveThem()
    {
        string[] onTheBase = ["Type", "Message", "message", "retryAfterSeconds"];
        var documented = ConformanceData.LoadFile(Path.Combine(ConformanceData.Root, "responses", "documented-errors.json")).AsArray();
        var own = documented.SelectMany(error => error!["members"]!.AsObject().Select(member => member.Key).Except(onTheBase, StringComparer.Ordinal).Select(member => (Code: (string)error["error"]!, Member: member))).ToList();

        Assert.Equal([("EC2UnexpectedException", "EC2ErrorCode"), ("TooManyRequestsException", "Reason")], own);
        Assert.All(own, item =>
        {
            var entry = ServiceErrorTable.Find(item.Code)!;
            var exception = entry.Create("m", new LambdaErrorDetails { Fields = new Dictionary<string, string>(StringComparer.Ordinal) { [item.Member] = "value" } });
            Assert.Equal("value", exception.GetType().GetProperty(item.Member)!.GetValue(exception));
        });
        var reasons = documented.Single(error => (string)error!["error"]! == "TooManyRequestsException")!["reasons"]!.AsArray().Select(reason => (string)reason!);
        Assert.Equal(reasons, typeof(TooManyRequestsReasons).GetFields().Select(field => (string)field.GetRawConstantValue()!));
    }

    [Theory, MemberData(nameof(Codes))]
    public void Constructor_MessageAlone_KnowsTheRest(string code)
    {
        var entry = ServiceErrorTable.Find(code)!;

        var exception = (LambdaServiceException)Activator.CreateInstance(TypeOf(entry), "m", null, null)!;

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
    public void Find_EveryNameWithAndWithoutSuffix_GivesTheRow(string code)
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
    public void Rows_AreAllDifferent()
    {
        var entries = ServiceErrorTable.OfTheOperation.Concat(ServiceErrorTable.Common).ToList();

        Assert.Equal(entries.Count, entries.Select(TypeOf).Distinct().Count());
        var types = typeof(LambdaServiceException).Assembly.GetExportedTypes().Where(type => type.BaseType == typeof(LambdaServiceException)).ToHashSet();
        Assert.Equal(types, entries.Select(TypeOf).ToHashSet());
        Assert.All(entries, entry => Assert.True(entry.Advice.EndsWith('.'), entry.Code));
    }

    // Written out, so that a change of a row is a change of this list: each of these errors leads to a second send without anybody's asking.
    [Fact]
    public void Rows_SentAgainByDefault_AreThese()
    {
        var sentAgain = ServiceErrorTable.OfTheOperation.Concat(ServiceErrorTable.Common).Where(entry => entry.Create("m", new LambdaErrorDetails()).IsSafeToRetry).Select(entry => entry.Code!);

        Assert.Equal(
            [
                "CodeArtifactUserPendingException", "EC2ThrottledException", "EC2UnexpectedException", "EFSMountConnectivityException", "EFSMountTimeoutException", "ENILimitReachedException", "ResourceNotReadyException",
                "S3FilesMountConnectivityException", "S3FilesMountTimeoutException", "SnapStartNotReadyException", "SubnetIPAddressLimitReachedException", "TooManyRequestsException", "ThrottlingException",
            ],
            sentAgain);
    }

    [Fact]
    public void Rows_WhereTheFunctionMayHaveRun_AreThese()
    {
        var mayHaveRun = ServiceErrorTable.OfTheOperation.Concat(ServiceErrorTable.Common).Where(entry => entry.FunctionMayHaveRun).Select(entry => (entry.Code!, entry.IsTransient));

        Assert.Equal(
            [
                ("EFSIOException", false), ("ServiceException", true), ("SnapStartException", false), ("SnapStartTimeoutException", true), ("InternalFailure", true),
                ("RequestAbortedException", false), ("RequestTimeoutException", true), ("ServiceUnavailable", true),
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
    public void Find_ThrottlingCodesOfTheOfficialSdks_AreThrottling(string code) => Assert.True(ServiceErrorTable.Find(code)!.IsThrottling);

    [Theory]
    [InlineData("InvalidSignatureException")]
    [InlineData("SignatureDoesNotMatch")]
    [InlineData("AuthFailure")]
    [InlineData("RequestTimeTooSkewed")]
    [InlineData("AccessDeniedException")]
    [InlineData("RequestExpired")]
    [InlineData("RequestInTheFuture")]
    public void Find_ClockSkewCodesOfTheOfficialSdk_MayBeClockSkewAndAreNotTransient(string code)
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
    public void Find_UnknownName_GivesNothing(string? code) => Assert.Null(ServiceErrorTable.Find(code));

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
    public void Constructor_UnknownName_JudgesByTheStatus(int status, bool transient, bool throttling, bool mayHaveRun)
    {
        var exception = new LambdaServiceException("m", new LambdaErrorDetails { ErrorCode = "FutureException", StatusCode = (HttpStatusCode)status });

        Assert.Equal("FutureException", exception.ErrorCode);
        Assert.Equal(transient, exception.Retryable is not null);
        Assert.Equal(throttling, exception.IsThrottling);
        Assert.Equal(mayHaveRun, exception.FunctionMayHaveRun);
        Assert.Equal(transient && !mayHaveRun, exception.IsSafeToRetry);
    }

    internal static Type TypeOf(ServiceErrorEntry entry) => entry.Create("m", new LambdaErrorDetails()).GetType();
}
