using Amazon;
using Amazon.Runtime.CredentialManagement;

namespace LambdaStreaming.Configuration;

/// <summary>The settings of a client's calls.</summary>
/// <param name="Endpoint">The address of the service.</param>
/// <param name="Region">The region of the signature.</param>
/// <param name="ProfileName">The name of the profile, even if the profile does not exist.</param>
/// <param name="Profile">The profile, or null if it does not exist.</param>
/// <param name="MaxAttempts">
/// The value from the environment or the profile; null if neither has one, or if the options set the maximum.
/// </param>
/// <param name="UserAgent">The value of the <c>User-Agent</c> header.</param>
internal sealed record ResolvedConfiguration(
    Uri Endpoint,
    RegionEndpoint Region,
    string ProfileName,
    CredentialProfile? Profile,
    int? MaxAttempts,
    string UserAgent);
