using Amazon.Runtime;
using LambdaStreaming.Configuration;

namespace LambdaStreaming.Tests.Configuration;

/// <summary>Detection of exceptions whose text can contain a key.</summary>
public sealed class ConfigurationErrorsTests
{
    private const string Quoting =
        "Line 3:<aws_secret_access_key wJalr> in file credentials does not contain a section.";

    [Fact]
    public void CanContainKey_AnyInnerExceptionQuotesALine_ReturnsTrue()
    {
        var quoting = new InvalidDataException(Quoting);
        var other = new IOException("The file is locked.");

        Assert.True(ConfigurationErrors.CanContainKey(quoting));
        Assert.True(ConfigurationErrors.CanContainKey(new IOException("x", new IOException("y", quoting))));
        Assert.True(ConfigurationErrors.CanContainKey(new AggregateException(other, new IOException("x", quoting))));
        Assert.False(ConfigurationErrors.CanContainKey(new AggregateException(other, other)));
        Assert.False(ConfigurationErrors.CanContainKey(new IOException("x", other)));
    }

    // Services quote the canonical request in the lines after the first one, or the Authorization header.
    [Theory]
    [InlineData("The signature does not match.", false)]
    [InlineData("The signature does not match.\nx-amz-security-token:TOKEN", true)]
    [InlineData("The signature does not match.\rx-amz-security-token:TOKEN", true)]
    [InlineData("'AWS4-HMAC-SHA256 Credential=AKID/x' is not a valid key=value pair.", true)]
    [InlineData("Authorization header requires 'Signature' parameter. Authorization=Signature=00", true)]
    public void CanContainKey_ServiceError_DependsOnItsText(string message, bool expected) =>
        Assert.Equal(
            expected,
            ConfigurationErrors.CanContainKey(new IOException("x", new AmazonServiceException(message))));
}
