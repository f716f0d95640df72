using System.Globalization;
using Amazon;
using Amazon.Runtime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace LambdaStreaming.DependencyInjection;

/// <summary>Sets options from configuration: by name and without reflection, so that it works ahead of time compiled, and so that nothing is passed over in silence.</summary>
internal static class OptionsBinder
{
    private static readonly Dictionary<string, Action<LambdaStreamingClientOptions, string>> Settings = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(LambdaStreamingClientOptions.Profile)] = (options, value) => options.Profile = value,
        [nameof(LambdaStreamingClientOptions.Region)] = (options, value) => options.Region = ParseRegion(value),
        [nameof(LambdaStreamingClientOptions.ServiceUrl)] = (options, value) => options.ServiceUrl = Address(value),
        [nameof(LambdaStreamingClientOptions.UseFipsEndpoint)] = (options, value) => options.UseFipsEndpoint = Boolean(value),
        [nameof(LambdaStreamingClientOptions.UseDualStackEndpoint)] = (options, value) => options.UseDualStackEndpoint = Boolean(value),
        [nameof(LambdaStreamingClientOptions.ConnectTimeout)] = (options, value) => options.ConnectTimeout = Time(value),
        [nameof(LambdaStreamingClientOptions.CredentialsTimeout)] = (options, value) => options.CredentialsTimeout = Time(value),
        [nameof(LambdaStreamingClientOptions.ResponseHeadersTimeout)] = (options, value) => options.ResponseHeadersTimeout = Time(value),
        [nameof(LambdaStreamingClientOptions.IdleTimeout)] = (options, value) => options.IdleTimeout = Time(value),
        [nameof(LambdaStreamingClientOptions.MaxMessageBytes)] = (options, value) => options.MaxMessageBytes = Number(value),
        [nameof(LambdaStreamingClientOptions.ThrowOnFunctionError)] = (options, value) => options.ThrowOnFunctionError = Boolean(value),
        [nameof(LambdaStreamingClientOptions.TraceHeaders)] = (options, value) => options.TraceHeaders = ParseEnum<TraceHeaders>(value),
    };

    private static readonly Dictionary<string, Action<LambdaStreamingClientOptions, string>> RetrySettings = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(LambdaRetryOptions.MaxAttempts)] = (options, value) => options.Retry.MaxAttempts = Number(value),
        [nameof(LambdaRetryOptions.Policy)] = (options, value) => options.Retry.Policy = ParseEnum<LambdaRetryPolicy>(value),
        [nameof(LambdaRetryOptions.BaseDelay)] = (options, value) => options.Retry.BaseDelay = Time(value),
        [nameof(LambdaRetryOptions.ThrottlingBaseDelay)] = (options, value) => options.Retry.ThrottlingBaseDelay = Time(value),
        [nameof(LambdaRetryOptions.MaxDelay)] = (options, value) => options.Retry.MaxDelay = Time(value),
    };

    /// <summary>Sets the options that <paramref name="configuration"/> has.</summary>
    /// <exception cref="OptionsValidationException">Keys that are no options, or values that can't be read; all of them.</exception>
    public static void Bind(IConfiguration configuration, string optionsName, LambdaStreamingClientOptions options)
    {
        var failures = new List<string>();
        foreach (var setting in configuration.GetChildren())
        {
            if (!setting.Key.Equals(nameof(LambdaStreamingClientOptions.Retry), StringComparison.OrdinalIgnoreCase)) Set(Settings, setting, options, failures);
            else if (!string.IsNullOrEmpty(setting.Value)) failures.Add($"{setting.Path} is '{setting.Value}'; it has settings of its own: {string.Join(", ", RetrySettings.Keys.Order(StringComparer.Ordinal))}.");
            else foreach (var retrySetting in setting.GetChildren()) Set(RetrySettings, retrySetting, options, failures);
        }

        if (failures.Count > 0) throw new OptionsValidationException(optionsName, typeof(LambdaStreamingClientOptions), failures.Select(failure => $"{OptionsValidator.Client(optionsName)}: {failure}"));
    }

    private static void Set(Dictionary<string, Action<LambdaStreamingClientOptions, string>> settings, IConfigurationSection setting, LambdaStreamingClientOptions options, List<string> failures)
    {
        if (!settings.TryGetValue(setting.Key, out var set))
        {
            failures.Add($"{setting.Path} is no setting; there are {string.Join(", ", settings.Keys.Order(StringComparer.Ordinal))}{(ReferenceEquals(settings, Settings) ? " and Retry" : "")}. The others are set by code.");
            return;
        }

        if (setting.GetChildren().Any())
        {
            failures.Add($"{setting.Path} has keys below it; it must be one value.");
            return;
        }

        // An empty value is one that was left out: an environment variable can't be taken away from an inner layer otherwise.
        if (string.IsNullOrEmpty(setting.Value)) return;
        try
        {
            set(options, setting.Value);
        }
        catch (FormatException exception)
        {
            failures.Add($"{setting.Path} {exception.Message}");
        }
    }

    private static RegionEndpoint ParseRegion(string value)
    {
        if (!IsRegionName(value)) throw Refused(value, "the name of a region, like us-east-1");
        try
        {
            return RegionEndpoint.GetBySystemName(value);
        }
        catch (AmazonClientException exception)
        {
            throw Refused(value, "the name of a region, like us-east-1", exception);
        }
    }

    // AWSSDK accepts any host label, so that a typo fails only at the first call. A region that this AWSSDK does not know must stay possible.
    private static bool IsRegionName(string value) =>
        value.Split('-') is [_, _, .., var number] parts
        && parts[..^1].All(part => part.Length > 0 && part.All(char.IsAsciiLetter))
        && number.Length > 0
        && number.All(char.IsAsciiDigit);

    // Not shown: it may hold a password.
    private static Uri Address(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var address) ? address : throw new FormatException("must be an absolute address, like https://host:port/prefix.");

    private static bool Boolean(string value) => bool.TryParse(value, out var result) ? result : throw Refused(value, "true or false");

    private static int Number(string value) => int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var result) ? result : throw Refused(value, "a whole number");

    // A bare number would be read as days, and so would hours over 23 without the constant format; 5:00 as five hours, where five minutes may be meant.
    private static TimeSpan Time(string value) =>
        value.Equals("Infinite", StringComparison.OrdinalIgnoreCase) ? Timeout.InfiniteTimeSpan
        : value.AsSpan().Count(':') == 2 && TimeSpan.TryParseExact(value, "c", CultureInfo.InvariantCulture, out var result) ? result
        : throw Refused(value, "a time like 00:00:30 (hours, minutes, seconds), or Infinite");

    // Of two names with a comma between, parsing makes a third thing also where names exclude each other.
    private static T ParseEnum<T>(string value)
        where T : struct, Enum =>
        char.IsAsciiLetter(value[0]) && (typeof(T).IsDefined(typeof(FlagsAttribute), inherit: false) || !value.Contains(',', StringComparison.Ordinal)) && Enum.TryParse<T>(value, ignoreCase: true, out var result) ? result : throw Refused(value, $"one of {string.Join(", ", Enum.GetNames<T>())}");

    private static FormatException Refused(string value, string expected, Exception? cause = null) => new($"is '{value}'; it must be {expected}.", cause);
}
