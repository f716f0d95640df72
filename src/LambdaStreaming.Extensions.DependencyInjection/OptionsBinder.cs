using System.Globalization;
using Amazon;
using LambdaStreaming.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using ClientOptions = LambdaStreaming.LambdaStreamingClientOptions;

namespace LambdaStreaming.DependencyInjection;

/// <summary>Sets options from configuration, by name.</summary>
/// <remarks>
/// Binding does not use reflection, so it works in AOT-published apps. Unknown keys cause errors and are never ignored.
/// </remarks>
internal static class OptionsBinder
{
    private static readonly Dictionary<string, Setter> Settings = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(ClientOptions.Profile)] = (options, value) => options.Profile = value,
        [nameof(ClientOptions.Region)] = (options, value) => options.Region = ParseRegion(value),
        [nameof(ClientOptions.ServiceUrl)] = (options, value) => options.ServiceUrl = ParseUrl(value),
        [nameof(ClientOptions.UseFipsEndpoint)] = (options, value) => options.UseFipsEndpoint = ParseBoolean(value),
        [nameof(ClientOptions.UseDualStackEndpoint)] =
            (options, value) => options.UseDualStackEndpoint = ParseBoolean(value),
        [nameof(ClientOptions.ConnectTimeout)] = (options, value) => options.ConnectTimeout = ParseDuration(value),
        [nameof(ClientOptions.CredentialsTimeout)] =
            (options, value) => options.CredentialsTimeout = ParseDuration(value),
        [nameof(ClientOptions.ResponseHeadersTimeout)] =
            (options, value) => options.ResponseHeadersTimeout = ParseDuration(value),
        [nameof(ClientOptions.IdleTimeout)] = (options, value) => options.IdleTimeout = ParseDuration(value),
        [nameof(ClientOptions.MaxMessageBytes)] = (options, value) => options.MaxMessageBytes = ParseInteger(value),
        [nameof(ClientOptions.ThrowOnFunctionError)] =
            (options, value) => options.ThrowOnFunctionError = ParseBoolean(value),
        [nameof(ClientOptions.IncludeFunctionErrorDetails)] =
            (options, value) => options.IncludeFunctionErrorDetails = ParseBoolean(value),
        [nameof(ClientOptions.TraceHeaders)] =
            (options, value) => options.TraceHeaders = ParseEnum<TraceHeaders>(value),
    };

    private static readonly Dictionary<string, Setter> RetrySettings = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(LambdaRetryOptions.MaxAttempts)] = (options, value) => options.Retry.MaxAttempts = ParseInteger(value),
        [nameof(LambdaRetryOptions.Policy)] =
            (options, value) => options.Retry.Policy = ParseEnum<LambdaRetryPolicy>(value),
        [nameof(LambdaRetryOptions.BaseDelay)] = (options, value) => options.Retry.BaseDelay = ParseDelay(value),
        [nameof(LambdaRetryOptions.ThrottlingBaseDelay)] =
            (options, value) => options.Retry.ThrottlingBaseDelay = ParseDelay(value),
        [nameof(LambdaRetryOptions.MaxDelay)] = (options, value) => options.Retry.MaxDelay = ParseDelay(value),
    };

    private delegate void Setter(ClientOptions options, string value);

    /// <summary>Sets the options that <paramref name="configuration"/> contains.</summary>
    /// <exception cref="OptionsValidationException">
    /// A key is unknown or a value cannot be parsed. The message lists all failures.
    /// </exception>
    public static void Bind(IConfiguration configuration, string optionsName, ClientOptions options)
    {
        var failures = new List<string>();
        foreach (var setting in configuration.GetChildren())
        {
            var isRetry = setting.Key.Equals(nameof(ClientOptions.Retry), StringComparison.OrdinalIgnoreCase);
            if (isRetry) SetRetry(setting, options, failures);
            else Set(Settings, setting, options, failures);
        }

        if (failures.Count == 0) return;
        var client = OptionsValidator.DescribeClient(optionsName);
        var messages = failures.Select(failure => $"{client}: {failure}");
        throw new OptionsValidationException(optionsName, typeof(ClientOptions), messages);
    }

    private static void SetRetry(IConfigurationSection section, ClientOptions options, List<string> failures)
    {
        if (!string.IsNullOrEmpty(section.Value))
        {
            failures.Add(
                $"{section.Path} is '{section.Value}', but it must be a section. "
                + $"Valid settings in it: {JoinNames(RetrySettings.Keys)}.");
            return;
        }

        foreach (var setting in section.GetChildren()) Set(RetrySettings, setting, options, failures);
    }

    private static void Set(
        Dictionary<string, Setter> settings,
        IConfigurationSection setting,
        ClientOptions options,
        List<string> failures)
    {
        if (!settings.TryGetValue(setting.Key, out var set))
        {
            var retry = ReferenceEquals(settings, Settings) ? $" and {nameof(ClientOptions.Retry)}" : "";
            failures.Add(
                $"{setting.Path} is not a recognized setting. "
                + $"Valid settings: {JoinNames(settings.Keys)}{retry}. Other options must be set in code.");
            return;
        }

        if (setting.GetChildren().Any())
        {
            failures.Add($"{setting.Path} contains other keys; it must be a single value.");
            return;
        }

        // An empty value means that the option is not set. A configuration source, such as environment variables,
        // cannot remove a key of another source; it can only set the key to an empty value.
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

    private static string JoinNames(IEnumerable<string> names) =>
        string.Join(", ", names.Order(StringComparer.Ordinal));

    private static RegionEndpoint ParseRegion(string value) => RegionName.IsValid(value)
        ? RegionEndpoint.GetBySystemName(value)
        : throw InvalidValue(value, "a region name such as us-east-1");

    // The message does not contain the value, which might contain a password.
    private static Uri ParseUrl(string value) => Uri.TryCreate(value, UriKind.Absolute, out var address)
        ? address
        : throw new FormatException("must be an absolute URL such as https://host:port/prefix.");

    private static bool ParseBoolean(string value) =>
        bool.TryParse(value, out var result) ? result : throw InvalidValue(value, "true or false");

    private static int ParseInteger(string value)
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign;
        return int.TryParse(value, Style, CultureInfo.InvariantCulture, out var result)
            ? result
            : throw InvalidValue(value, "an integer");
    }

    private static TimeSpan ParseDuration(string value) =>
        value.Equals("Infinite", StringComparison.OrdinalIgnoreCase)
            ? Timeout.InfiniteTimeSpan
            : ParseDelay(value, ", or Infinite");

    private static TimeSpan ParseDelay(string value) => ParseDelay(value, "");

    // Requires hours, minutes and seconds in the constant format (c). That format alone accepts a bare number as days,
    // and 5:00 as five hours, although five minutes might be meant. TimeSpan.Parse also reads hours above 23 as days.
    private static TimeSpan ParseDelay(string value, string alternative)
    {
        var hasThreeParts = value.AsSpan().Count(':') == 2;
        return hasThreeParts && TimeSpan.TryParseExact(value, "c", CultureInfo.InvariantCulture, out var result)
            ? result
            : throw InvalidValue(value, $"a duration such as 00:00:30 (hours:minutes:seconds){alternative}");
    }

    // Rejects commas unless the enum is a set of flags: Enum.TryParse combines names separated by commas for any enum.
    private static T ParseEnum<T>(string value)
        where T : struct, Enum
    {
        var isFlags = typeof(T).IsDefined(typeof(FlagsAttribute), inherit: false);
        var isName = char.IsAsciiLetter(value[0]) && (isFlags || !value.Contains(',', StringComparison.Ordinal));
        return isName && Enum.TryParse<T>(value, ignoreCase: true, out var result)
            ? result
            : throw InvalidValue(value, $"one of {string.Join(", ", Enum.GetNames<T>())}");
    }

    private static FormatException InvalidValue(string value, string expected) =>
        new($"is '{value}'; it must be {expected}.");
}
