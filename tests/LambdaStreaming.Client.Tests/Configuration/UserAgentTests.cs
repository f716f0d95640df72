using LambdaStreaming.Configuration;

namespace LambdaStreaming.Tests.Configuration;

public sealed class UserAgentTests
{
    [Theory]
    [InlineData("windows", "windows")]
    [InlineData("macos", "macos")]
    [InlineData("linux", "linux")]
    [InlineData("freebsd", "other")]
    public void GetSystemName_EachPlatform_IsTheNameOfAwsSdks(string platform, string expected) =>
        Assert.Equal(expected, UserAgent.GetSystemName(name => name == platform));
}
