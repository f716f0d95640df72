using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Amazon;
using LambdaStreaming.Configuration;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Tool;

/// <summary>Validators for the values of options.</summary>
internal static class OptionValidators
{
    /// <summary>Requires an integer in a range.</summary>
    /// <remarks>System.CommandLine throws for a value that it cannot parse, so the text is parsed here.</remarks>
    public static void RequireInteger<T>(Option<T> option, long min, long max = int.MaxValue) =>
        option.Validators.Add(result =>
        {
            if (result.Tokens is not [{ Value: var text }])
                return;
            var isInteger =
                long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value);
            if (isInteger && value >= min && value <= max)
                return;
            var range = max >= int.MaxValue ? $"an integer of at least {min}" : $"an integer from {min} to {max}";
            result.AddError($"{option.Name}: '{text}' is not valid. Use {range}.");
        });

    /// <summary>Requires one of the values, which shells then complete.</summary>
    /// <remarks>
    /// <c>AcceptOnlyFromAmong</c> also accepts the name of an option: <c>--retry --dry-run</c> would run the function.
    /// </remarks>
    public static void RequireOneOf(Option<string?> option, params string[] values)
    {
        option.CompletionSources.Add(values);
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && !values.Contains(text, StringComparer.Ordinal))
                result.AddError($"{option.Name}: '{text}' is not valid. Use {string.Join(" or ", values)}.");
        });
    }

    /// <summary>Requires the name of a region, and completes it.</summary>
    public static void RequireRegion<T>(Option<T> option)
    {
        option.CompletionSources.Add(_ => RegionEndpoint.EnumerableAllRegions.Select(region => region.SystemName));
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && !RegionName.IsValid(text))
                result.AddError($"{option.Name}: '{text}' is not a valid region. Use a name such as eu-central-1.");
        });
    }

    /// <summary>Requires names or addresses of hosts, without port.</summary>
    public static void RequireHosts(Option<string[]> option)
    {
        option.CompletionSources.Add("host.docker.internal");
        option.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => !WebPageGuard.IsHost(token.Value)) is not { Value: var text })
                return;
            result.AddError(
                $"{option.Name}: '{text}' is not a host. Use a name or an address without scheme, port and path, e.g. "
                + "host.docker.internal.");
        });
    }

    /// <summary>Requires a value that is neither blank nor the name of an option of the command.</summary>
    /// <remarks>
    /// Such a value is probably an unset variable of a script. Accepting it could run another version of the function,
    /// write no file, or run the function instead of <c>--dry-run</c>, without an error.
    /// </remarks>
    public static void RequireText<T>(Option<T> option) => option.Validators.Add(result =>
    {
        if (result.Tokens is not [{ Value: var text }])
            return;
        if (string.IsNullOrWhiteSpace(text))
            result.AddError($"{option.Name} is empty. Specify a value or omit the option.");
        var options = (result.Parent as CommandResult)?.Command.Options ?? [];
        if (options.Any(other => other.Name == text || other.Aliases.Contains(text)))
            result.AddError($"{option.Name} has no value: '{text}' is an option. Specify a value or omit the option.");
    });
}
