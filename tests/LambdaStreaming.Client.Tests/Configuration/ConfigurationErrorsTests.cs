using LambdaStreaming.Configuration;

namespace LambdaStreaming.Tests.Configuration;

/// <summary>Detection of a line of a credentials file that AWSSDK.Core quotes, which can contain a key.</summary>
public sealed class ConfigurationErrorsTests
{
    private const string Quoting =
        "Line 3:<aws_secret_access_key wJalr> in file credentials does not contain a section.";

    [Fact]
    public void QuotesLine_AnyInnerExceptionQuotes_ReturnsTrue()
    {
        var quoting = new InvalidDataException(Quoting);
        var other = new IOException("The file is locked.");

        Assert.True(ConfigurationErrors.QuotesLine(quoting));
        Assert.True(ConfigurationErrors.QuotesLine(new IOException("x", new IOException("y", quoting))));
        Assert.True(ConfigurationErrors.QuotesLine(new AggregateException(other, new IOException("x", quoting))));
        Assert.False(ConfigurationErrors.QuotesLine(new AggregateException(other, other)));
        Assert.False(ConfigurationErrors.QuotesLine(new IOException("x", other)));
    }
}
