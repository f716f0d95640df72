using System.Reflection;
using Amazon;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using static LambdaStreaming.DependencyInjection.Tests.AddLambdaStreamingClientTests;

namespace LambdaStreaming.DependencyInjection.Tests;

public class OptionsBinderTests
{
    [Fact]
    public void Bind_EverySetting_IsSet()
    {
        var options = Bind(
            ("Profile", "p"),
            ("region", "eu-central-1"),
            ("ServiceUrl", "https://host:8443/prefix"),
            ("ConnectTimeout", "00:00:03"),
            ("CredentialsTimeout", "00:00:04"),
            ("ResponseHeadersTimeout", "infinite"),
            ("IdleTimeout", "00:02:00"),
            ("MaxMessageBytes", "1048576"),
            ("ThrowOnFunctionError", "false"),
            ("TraceHeaders", "Lambda, W3C"),
            ("Retry:MaxAttempts", "5"),
            ("Retry:Policy", "AtLeastOnce"),
            ("Retry:BaseDelay", "00:00:00.1"),
            ("Retry:ThrottlingBaseDelay", "00:00:02"),
            ("Retry:MaxDelay", "00:00:10"));

        Assert.Equal("p", options.Profile);
        Assert.Same(RegionEndpoint.EUCentral1, options.Region);
        Assert.Equal(new Uri("https://host:8443/prefix"), options.ServiceUrl);
        Assert.Equal(TimeSpan.FromSeconds(3), options.ConnectTimeout);
        Assert.Equal(TimeSpan.FromSeconds(4), options.CredentialsTimeout);
        Assert.Equal(Timeout.InfiniteTimeSpan, options.ResponseHeadersTimeout);
        Assert.Equal(TimeSpan.FromMinutes(2), options.IdleTimeout);
        Assert.Equal(1_048_576, options.MaxMessageBytes);
        Assert.False(options.ThrowOnFunctionError);
        Assert.Equal(TraceHeaders.Lambda | TraceHeaders.W3C, options.TraceHeaders);
        Assert.Equal(5, options.Retry.MaxAttempts);
        Assert.Equal(LambdaRetryPolicy.AtLeastOnce, options.Retry.Policy);
        Assert.Equal(TimeSpan.FromSeconds(0.1), options.Retry.BaseDelay);
        Assert.Equal(TimeSpan.FromSeconds(2), options.Retry.ThrottlingBaseDelay);
        Assert.Equal(TimeSpan.FromSeconds(10), options.Retry.MaxDelay);
    }

    [Fact]
    public void Bind_FipsAndDualStack_AreSet()
    {
        var options = Bind(("UseFipsEndpoint", "true"), ("UseDualStackEndpoint", "True"));

        Assert.True(options.UseFipsEndpoint);
        Assert.True(options.UseDualStackEndpoint);
    }

    // An option that is added later is bound too, or this fails.
    [Fact]
    public void Bind_EachOptionThatTextCanSay_IsASetting()
    {
        Type[] kinds = [typeof(string), typeof(bool), typeof(int), typeof(TimeSpan), typeof(Uri), typeof(RegionEndpoint)];
        var names = Of(typeof(LambdaStreamingClientOptions)).Concat(Of(typeof(LambdaRetryOptions)).Select(name => "Retry:" + name));

        var exception = Assert.Throws<OptionsValidationException>(() => Bind([.. names.Select(name => (name, (string?)"")), ("Unknown", "1")]));

        Assert.Single(exception.Failures);
        IEnumerable<string> Of(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.PropertyType.IsEnum || kinds.Contains(property.PropertyType)).Select(property => property.Name);
    }

    [Theory]
    [InlineData("IdleTimout", "00:01:00", "LambdaStreaming:IdleTimout is no setting; there are ConnectTimeout, ")]
    [InlineData("Retry:Attempts", "3", "LambdaStreaming:Retry:Attempts is no setting; there are BaseDelay, MaxAttempts, ")]
    [InlineData("IdleTimeout", "30", "LambdaStreaming:IdleTimeout is '30'; it must be a time like 00:00:30")]
    [InlineData("MaxMessageBytes", "1 MB", "LambdaStreaming:MaxMessageBytes is '1 MB'; it must be a whole number.")]
    [InlineData("UseFipsEndpoint", "yes", "LambdaStreaming:UseFipsEndpoint is 'yes'; it must be true or false.")]
    [InlineData("ServiceUrl", "localhost", "LambdaStreaming:ServiceUrl must be an absolute address, like https://host:port/prefix.")]
    [InlineData("ServiceUrl", "https//user:SECRET@host", "LambdaStreaming:ServiceUrl must be an absolute address, like https://host:port/prefix.")]
    [InlineData("Retry:Policy", "1", "LambdaStreaming:Retry:Policy is '1'; it must be one of AtMostOnce, AtLeastOnce, Never.")]
    [InlineData("Retry:Policy", "+1", "LambdaStreaming:Retry:Policy is '+1'; it must be one of")]
    [InlineData("Retry", "Never", "LambdaStreaming:Retry is 'Never'; it has settings of its own: BaseDelay, MaxAttempts, ")]
    [InlineData("IdleTimeout:Seconds", "30", "LambdaStreaming:IdleTimeout has keys below it; it must be one value.")]
    [InlineData("IdleTimeout", "24:00:00", "LambdaStreaming:IdleTimeout is '24:00:00'; it must be a time like 00:00:30")]
    [InlineData("IdleTimeout", "5:00", "LambdaStreaming:IdleTimeout is '5:00'; it must be a time like 00:00:30 (hours, minutes, seconds), or Infinite.")]
    [InlineData("IdleTimeout", "00:30", "LambdaStreaming:IdleTimeout is '00:30'; it must be a time like 00:00:30")]
    [InlineData("Retry:Policy", "AtMostOnce,AtLeastOnce", "LambdaStreaming:Retry:Policy is 'AtMostOnce,AtLeastOnce'; it must be one of AtMostOnce, AtLeastOnce, Never.")]
    [InlineData("Region", "us_east_1", "LambdaStreaming:Region is 'us_east_1'; it must be the name of a region, like us-east-1.")]
    [InlineData("Region", "mars", "LambdaStreaming:Region is 'mars'; it must be the name of a region, like us-east-1.")]
    [InlineData("Region", "us-east", "LambdaStreaming:Region is 'us-east'; it must be the name of a region, like us-east-1.")]
    [InlineData("ServiceUrl", "ftp://host", "ServiceUrl must be an absolute http or https address")]
    public void Start_SettingThatCantBeRight_FailsAndNamesIt(string key, string value, string words)
    {
        var services = new ServiceCollection();
        services.AddLambdaStreamingClient("chat", CreateConfiguration((key, value)));
        using var provider = services.BuildServiceProvider();

        var exception = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate());

        Assert.StartsWith("The Lambda streaming client 'chat': " + words, exception.Message, StringComparison.Ordinal);
        Assert.Equal("chat", exception.OptionsName);
    }

    // us-east-1-regional is a name of S3 only.
    [Fact]
    public void Bind_RegionsThatTheSdkKnows_AreSet() =>
        Assert.All(RegionEndpoint.EnumerableAllRegions.Where(region => region.SystemName != "us-east-1-regional"), region => Assert.Same(region, Bind(("Region", region.SystemName)).Region));

    [Theory]
    [InlineData("eu-moon-7")]
    [InlineData("us-isoq-north-12")]
    public void Bind_RegionThatTheSdkDoesNotKnow_IsSet(string region) => Assert.Equal(region, Bind(("Region", region)).Region?.SystemName);

    private static LambdaStreamingClientOptions Bind(params (string Key, string? Value)[] settings)
    {
        var services = new ServiceCollection();
        services.AddLambdaStreamingClient(CreateConfiguration(settings));
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<LambdaStreamingClientOptions>>().Value;
    }
}
