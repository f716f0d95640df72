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
            ("IncludeFunctionErrorDetails", "true"),
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
        Assert.True(options.IncludeFunctionErrorDetails);
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

    // Fails if an option is added that the binder does not set.
    [Fact]
    public void Bind_EachOptionOfSimpleType_IsRecognized()
    {
        Type[] types =
        [
            typeof(string), typeof(bool), typeof(int), typeof(TimeSpan), typeof(Uri), typeof(RegionEndpoint),
        ];
        var retryNames = GetNames(typeof(LambdaRetryOptions)).Select(name => "Retry:" + name);
        var settings = GetNames(typeof(LambdaStreamingClientOptions))
            .Concat(retryNames)
            .Select(name => (name, (string?)""));

        var exception = Assert.Throws<OptionsValidationException>(() => Bind([.. settings, ("Unknown", "1")]));

        Assert.Single(exception.Failures);

        IEnumerable<string> GetNames(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.PropertyType.IsEnum || types.Contains(property.PropertyType))
            .Select(property => property.Name);
    }

    [Theory]
    [InlineData("IdleTimout", "00:01:00", ":IdleTimout is not a recognized setting. Valid settings: ConnectTimeout, ")]
    [InlineData("Retry:Attempts", "3", ":Retry:Attempts is not a recognized setting. Valid settings: BaseDelay, Max")]
    [InlineData("IdleTimeout", "30", ":IdleTimeout is '30'; it must be a duration such as 00:00:30")]
    [InlineData("MaxMessageBytes", "1 MB", ":MaxMessageBytes is '1 MB'; it must be an integer.")]
    [InlineData("UseFipsEndpoint", "yes", ":UseFipsEndpoint is 'yes'; it must be true or false.")]
    [InlineData("ServiceUrl", "localhost", ":ServiceUrl must be an absolute URL such as https://host:port/prefix.")]
    [InlineData(
        "ServiceUrl",
        "https//user:SECRET@host",
        ":ServiceUrl must be an absolute URL such as https://host:port/prefix.")]
    [InlineData(
        "Retry:MaxDelay",
        "30",
        ":Retry:MaxDelay is '30'; it must be a duration such as 00:00:30 (hours:minutes:seconds).")]
    [InlineData("Retry:BaseDelay", "Infinite", ":Retry:BaseDelay is 'Infinite'; it must be a duration such as")]
    [InlineData("Retry:ThrottlingBaseDelay", "Infinite", ":Retry:ThrottlingBaseDelay is 'Infinite'; it must")]
    [InlineData("Retry:Policy", "1", ":Retry:Policy is '1'; it must be one of AtMostOnce, AtLeastOnce, Never.")]
    [InlineData("Retry:Policy", "+1", ":Retry:Policy is '+1'; it must be one of")]
    [InlineData("Retry", "Never", ":Retry is 'Never', but it must be a section. Valid settings in it: BaseDelay, Max")]
    [InlineData("IdleTimeout:Seconds", "30", ":IdleTimeout contains other keys; it must be a single value.")]
    [InlineData("IdleTimeout", "24:00:00", ":IdleTimeout is '24:00:00'; it must be a duration such as 00:00:30")]
    [InlineData(
        "IdleTimeout",
        "5:00",
        ":IdleTimeout is '5:00'; it must be a duration such as 00:00:30 (hours:minutes:seconds), or Infinite.")]
    [InlineData("IdleTimeout", "00:30", ":IdleTimeout is '00:30'; it must be a duration such as 00:00:30")]
    [InlineData(
        "Retry:Policy",
        "AtMostOnce,AtLeastOnce",
        ":Retry:Policy is 'AtMostOnce,AtLeastOnce'; it must be one of AtMostOnce, AtLeastOnce, Never.")]
    [InlineData("Region", "us_east_1", ":Region is 'us_east_1'; it must be a region name such as us-east-1.")]
    [InlineData("Region", "mars", ":Region is 'mars'; it must be a region name such as us-east-1.")]
    [InlineData("Region", "us-east", ":Region is 'us-east'; it must be a region name such as us-east-1.")]
    public void StartupValidation_InvalidSetting_ThrowsAndNamesIt(string key, string value, string message)
    {
        var exception = Assert.Throws<OptionsValidationException>(() => Validate(key, value));

        Assert.StartsWith(
            "The Lambda streaming client 'chat': LambdaStreaming" + message,
            exception.Message,
            StringComparison.Ordinal);
        Assert.Equal("chat", exception.OptionsName);
    }

    // The URL can be parsed, but the client rejects its scheme.
    [Fact]
    public void StartupValidation_ServiceUrlIsNotHttp_ThrowsAndNamesIt()
    {
        var exception = Assert.Throws<OptionsValidationException>(() => Validate("ServiceUrl", "ftp://host"));

        Assert.StartsWith("The Lambda streaming client 'chat': ", exception.Message, StringComparison.Ordinal);
        Assert.Contains("ServiceUrl", exception.Message, StringComparison.Ordinal);
        Assert.Equal("chat", exception.OptionsName);
    }

    // All except us-east-1-regional, which is a name of S3 only.
    [Fact]
    public void Bind_RegionsKnownToSdk_AreSet()
    {
        var regions = RegionEndpoint.EnumerableAllRegions.Where(region => region.SystemName != "us-east-1-regional");

        Assert.All(regions, region => Assert.Same(region, Bind(("Region", region.SystemName)).Region));
    }

    [Theory]
    [InlineData("eu-moon-7")]
    [InlineData("us-isoq-north-12")]
    public void Bind_RegionUnknownToSdk_IsSet(string region) =>
        Assert.Equal(region, Bind(("Region", region)).Region?.SystemName);

    private static void Validate(string key, string value)
    {
        var services = new ServiceCollection();
        services.AddLambdaStreamingClient("chat", CreateConfiguration((key, value)));
        using var provider = services.BuildServiceProvider();
        provider.GetRequiredService<IStartupValidator>().Validate();
    }

    private static LambdaStreamingClientOptions Bind(params (string Key, string? Value)[] settings)
    {
        var services = new ServiceCollection();
        services.AddLambdaStreamingClient(CreateConfiguration(settings));
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<LambdaStreamingClientOptions>>().Value;
    }
}
