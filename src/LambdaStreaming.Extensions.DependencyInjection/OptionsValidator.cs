using Microsoft.Extensions.Options;

namespace LambdaStreaming.DependencyInjection;

/// <summary>Validates the options at host startup instead of at the first use of the client.</summary>
internal sealed class OptionsValidator : IValidateOptions<LambdaStreamingClientOptions>
{
    public ValidateOptionsResult Validate(string? name, LambdaStreamingClientOptions options)
    {
        try
        {
            options.Validate();
            return ValidateOptionsResult.Success;
        }
        catch (ArgumentException exception)
        {
            return ValidateOptionsResult.Fail($"{DescribeClient(name)}: {exception.Message}");
        }
    }

    public static string DescribeClient(string? name) =>
        string.IsNullOrEmpty(name) ? "The Lambda streaming client" : $"The Lambda streaming client '{name}'";
}
