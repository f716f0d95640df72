using Microsoft.Extensions.Options;

namespace LambdaStreaming.DependencyInjection;

/// <summary>Finds at the host's start what the client's constructor would find at its first use.</summary>
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
            return ValidateOptionsResult.Fail($"{Client(name)}: {exception.Message}");
        }
    }

    public static string Client(string? name) => string.IsNullOrEmpty(name) ? "The Lambda streaming client" : $"The Lambda streaming client '{name}'";
}
