using Amazon;
using Amazon.Runtime.CredentialManagement;

namespace LambdaStreaming.Configuration;

/// <summary>The settings of a client's calls.</summary>
/// <param name="Endpoint">The address of the service.</param>
/// <param name="IsCustomEndpoint">Whether the address was configured, instead of derived from the region.</param>
/// <param name="Region">The region of the signature.</param>
/// <param name="ProfileName">The name of the profile, even if the profile does not exist.</param>
/// <param name="Profile">The profile, or null if it does not exist.</param>
/// <param name="MaxAttempts">
/// The value from the environment or the profile; null if neither has one, or if the options set the maximum.
/// </param>
/// <param name="UserAgent">The value of the <c>User-Agent</c> header.</param>
internal sealed record ResolvedConfiguration(
    Uri Endpoint,
    bool IsCustomEndpoint,
    RegionEndpoint Region,
    string ProfileName,
    CredentialProfile? Profile,
    int? MaxAttempts,
    string UserAgent)
{
    /// <summary>Rejects an ARN of another region: the service of a region has only its own functions.</summary>
    /// <remarks>What a custom endpoint accepts is not known, so nothing is rejected there.</remarks>
    public void RequireRegionOf(string functionName)
    {
        if (IsCustomEndpoint || !functionName.StartsWith("arn:", StringComparison.Ordinal)) return;

        // Source: AWS Lambda API reference, InvokeWithResponseStream, FunctionName.
        if (functionName.Split(':') is not ["arn", _, "lambda", { Length: > 0 } region, ..]) return;
        if (!string.Equals(region, Region.SystemName, StringComparison.OrdinalIgnoreCase))
            throw ConfigurationErrors.CreateOtherRegion(functionName, region, Region);
    }
}
