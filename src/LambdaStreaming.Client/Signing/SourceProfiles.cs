using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Configuration;

namespace LambdaStreaming.Signing;

/// <summary>The sequence of profiles that <c>source_profile</c> creates.</summary>
internal static class SourceProfiles
{
    private const int MaxProfiles = 8;

    /// <summary>Finds a circular <c>source_profile</c> after a failure.</summary>
    /// <returns>The names, of which the last repeats an earlier one; null if the sequence is not circular.</returns>
    public static IReadOnlyList<string>? FindCycle(AwsEnvironment environment, CredentialProfile profile)
    {
        List<string> names = [profile.Name];
        var current = profile;
        while (current?.Options.SourceProfile is { } source && names.Count < MaxProfiles)
        {
            var isRepeated = names.Contains(source, StringComparer.Ordinal);
            names.Add(source);
            if (isRepeated) return names;
            current = TryRead(environment, source);
        }

        return null;
    }

    private static CredentialProfile? TryRead(AwsEnvironment environment, string name)
    {
        try
        {
            return environment.Profile(name);
        }
        catch (Exception)
        {
            // AWSSDK.Core has already reported why the files cannot be read.
            return null;
        }
    }
}
