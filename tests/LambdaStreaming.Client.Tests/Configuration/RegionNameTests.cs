using LambdaStreaming.Configuration;

namespace LambdaStreaming.Tests.Configuration;

public sealed class RegionNameTests
{
    [Theory]
    [InlineData("us-east-1", true)]
    [InlineData("us-gov-west-1", true)]
    [InlineData("us-nowhere-99", true)]
    [InlineData("us-1", false)]
    [InlineData("us-east-", false)]
    [InlineData("us-east-1a", false)]
    [InlineData("us-east-a1", false)]
    [InlineData("us--1", false)]
    [InlineData("-east-1", false)]
    [InlineData("us-e4st-1", false)]
    [InlineData("u5-east-1", false)]
    [InlineData("ûs-east-1", false)]
    [InlineData("useast1", false)]
    [InlineData("us-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abc-1", true)]
    [InlineData("us-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcc-1", false)]
    public void IsValid_EachName_RequiresWordsAndANumber(string name, bool isValid) =>
        Assert.Equal(isValid, RegionName.IsValid(name));
}
