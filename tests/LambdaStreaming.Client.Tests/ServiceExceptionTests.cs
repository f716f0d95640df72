using System.Net;
using Amazon.Runtime;
using Moq;

namespace LambdaStreaming.Tests;

/// <summary>Exceptions as the tests of users create them.</summary>
public class ServiceExceptionTests
{
    [Fact]
    public async Task InvokeWithResponseStreamAsync_MockThrowsAServiceException_HasTheProperties()
    {
        var client = new Mock<ILambdaStreamingClient>();
        client
            .Setup(mock => mock.InvokeWithResponseStreamAsync(
                It.IsAny<InvokeWithResponseStreamRequest>(), It.IsAny<CancellationToken>()))
            .ThrowsAsync(new TooManyRequestsException("slow down"));

        var exception = await Assert.ThrowsAsync<TooManyRequestsException>(
            () => client.Object.InvokeWithResponseStreamAsync(new("hello"), TestContext.Current.CancellationToken));

        Assert.Equal("TooManyRequestsException", exception.ErrorCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, exception.StatusCode);
        Assert.True(exception.IsThrottling);
        Assert.False(exception.FunctionMayHaveRun);
        Assert.True(exception.IsSafeToRetry);
        Assert.True(LambdaResilience.ShouldRetry(exception, LambdaRetryPolicy.AtMostOnce));
        Assert.Null(exception.Reason);
        Assert.Null(exception.RetryAfter);
        Assert.Empty(exception.Fields);
        Assert.IsAssignableFrom<AmazonServiceException>(exception);
    }

    [Fact]
    public void Constructors_AllExceptions_AcceptLambdaErrorDetails()
    {
        var types = typeof(LambdaStreamingException).Assembly.GetExportedTypes()
            .Where(type => !type.IsAbstract && type.IsAssignableTo(typeof(LambdaStreamingException)));

        var withoutDetails = types.Where(type => !type.GetConstructors().Any(
            constructor => constructor.GetParameters().Any(
                parameter => parameter.ParameterType == typeof(LambdaErrorDetails) && parameter.HasDefaultValue)));

        Assert.Empty(withoutDetails);
    }

    [Fact]
    public void Constructor_LambdaErrorDetails_OverrideTheErrorTable()
    {
        var inner = new TimeoutException();
        var exception = new TooManyRequestsException(
            "slow down",
            new LambdaErrorDetails
            {
                FunctionName = "hello",
                Region = "eu-west-1",
                RequestId = "id",
                StatusCode = HttpStatusCode.ServiceUnavailable,
                ErrorCode = "TooManyRequests",
                ServiceMessage = "Rate exceeded",
                FunctionMayHaveRun = true,
                IsTransient = false,
                Attempts = 2,
                RetryAfter = TimeSpan.FromSeconds(5),
                Fields = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["Reason"] = TooManyRequestsReasons.CallerRateLimitExceeded,
                    ["Type"] = "User",
                },
            },
            inner);

        Assert.Equal(("hello", "eu-west-1", "id"), (exception.FunctionName, exception.Region, exception.RequestId));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, exception.StatusCode);
        Assert.Equal(ErrorType.Receiver, exception.ErrorType);
        Assert.Equal("TooManyRequests", exception.ErrorCode);
        Assert.Equal("Rate exceeded", exception.ServiceMessage);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.Null(exception.Retryable);
        Assert.Equal(2, exception.Attempts);
        Assert.Equal(TimeSpan.FromSeconds(5), exception.RetryAfter);
        Assert.Equal("CallerRateLimitExceeded", exception.Reason);
        Assert.Equal("User", exception.ServiceErrorType);
        Assert.Same(inner, exception.InnerException);
    }

    [Fact]
    public void Constructor_LambdaServiceExceptionWithAKnownCode_UsesTheErrorTable()
    {
        var exception = new LambdaServiceException("m", new LambdaErrorDetails { ErrorCode = "SlowDown" });

        Assert.Equal("SlowDown", exception.ErrorCode);
        Assert.True(exception.IsThrottling);
        Assert.True(exception.IsSafeToRetry);
    }
}
