using System.Globalization;
using System.Net;
using LambdaStreaming.Signing;

namespace LambdaStreaming.Tests.Signing;

/// <summary>Limits within which the Date header of a response corrects the clock.</summary>
public class ClockSkewTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 24, 10, 0, 0, TimeSpan.Zero);
    private static readonly Uri Endpoint = new("https://lambda.us-east-1.amazonaws.com");

    [Theory]
    [InlineData(240, false)]
    [InlineData(241, true)]
    [InlineData(-240, false)]
    [InlineData(-241, true)]
    public void TryUpdate_ClocksDiffer_CorrectsAbove4Minutes(int seconds, bool isCorrected)
    {
        var skew = new ClockSkew();

        Assert.Equal(isCorrected, TryUpdate(skew, Now.AddSeconds(seconds)));
        Assert.Equal(TimeSpan.FromSeconds(isCorrected ? seconds : 0), skew.GetOffset(Endpoint));
    }

    [Fact]
    public void TryUpdate_DifferenceIsKnown_DoesNotCorrectAgain()
    {
        var skew = new ClockSkew();
        TryUpdate(skew, Now.AddHours(3));

        Assert.False(TryUpdate(skew, Now.AddHours(3).AddMinutes(4), signedWith: skew.GetOffset(Endpoint)));
        Assert.Equal(TimeSpan.FromHours(3), skew.GetOffset(Endpoint));
        Assert.True(TryUpdate(skew, Now.AddHours(3), signedWith: default));
        Assert.False(TryUpdate(skew, Now.AddHours(3), signedWith: TimeSpan.FromMinutes(176)));
    }

    [Theory]
    [InlineData(900, true)]
    [InlineData(901, false)]
    public void TryUpdate_ResponseIsSlow_UsesItsDateUpTo15Minutes(int seconds, bool isUsed) =>
        Assert.Equal(isUsed, TryUpdate(new ClockSkew(), Now.AddHours(3), TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("1969-12-31", false)]
    [InlineData("1970-01-01", true)]
    [InlineData("9000-12-31", true)]
    [InlineData("9001-01-01", false)]
    public void TryUpdate_DateIsOutOfRange_IgnoresIt(string date, bool isUsed) =>
        Assert.Equal(isUsed, TryUpdate(new ClockSkew(), ParseDate(date)));

    private static DateTimeOffset ParseDate(string date) =>
        DateTimeOffset.Parse(date, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static bool TryUpdate(
        ClockSkew skew,
        DateTimeOffset date,
        TimeSpan elapsed = default,
        TimeSpan signedWith = default)
    {
        using var response = new HttpResponseMessage(HttpStatusCode.Forbidden);
        response.Headers.Date = date;
        return skew.TryUpdate(Endpoint, Now, response, elapsed, signedWith);
    }
}
