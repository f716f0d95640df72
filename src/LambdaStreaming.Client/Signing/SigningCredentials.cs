using System.Diagnostics.CodeAnalysis;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;
using LambdaStreaming.Configuration;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Signing;

/// <summary>The source of the keys for signatures.</summary>
/// <remarks>Every attempt reads the keys again, so that rotated keys are used at once.</remarks>
internal sealed class SigningCredentials
{
    // One resolver for all clients: it caches credentials, and detects changes of environment and files.
    private static readonly Lazy<DefaultAWSCredentialsIdentityResolver> Resolver = new();

    private readonly Func<CancellationToken, Task<ImmutableCredentials?>> _read;
    private readonly Func<Redactor, Exception?, string> _explain;

    // Credentials that can be read without waiting; null for all others.
    private readonly AWSCredentials? _available;

    private SigningCredentials(
        Func<CancellationToken, Task<ImmutableCredentials?>> read,
        Func<Redactor, Exception?, string> explain,
        AWSCredentials? available = null)
    {
        _read = read;
        _explain = explain;
        _available = available;
    }

    /// <summary>Creates the credentials of a client.</summary>
    public static SigningCredentials Create(
        LambdaStreamingClientOptions options,
        ResolvedConfiguration settings,
        AwsEnvironment environment)
    {
        if (options.Credentials is { } credentials) return FromOption(credentials);
        if (options.Profile is not null) return FromProfile(environment, settings.Profile!);

        // Order of AWS: environment, web identity, profile, container, instance. If the profile has credential
        // settings, resolve only that profile, so that a failure reports the error of the profile. The complete chain
        // would continue with the container and the instance, and report their errors instead.
        var profile = HasCredentialSettings(settings.Profile) ? settings.Profile : null;
        return FromChain(environment, settings.ProfileName, profile);
    }

    private static SigningCredentials FromOption(AWSCredentials credentials) => new(
        cancellationToken => ReadAsync(credentials, cancellationToken),
        (redactor, exception) => CredentialErrorMessages.ForOption(credentials, redactor, exception),
        IsAvailable(credentials.GetType()) ? credentials : null);

    private static SigningCredentials FromProfile(AwsEnvironment environment, CredentialProfile profile)
    {
        var config = new ProfileConfig(profile.Name);
        return new(
            cancellationToken => ResolveAsync(config, cancellationToken),
            (redactor, exception) => CredentialErrorMessages.ForProfile(environment, profile, redactor, exception));
    }

    // Uses the sources in the order of AWS. If a profile is given and no source precedes it, resolves only the profile.
    private static SigningCredentials FromChain(
        AwsEnvironment environment,
        string profileName,
        CredentialProfile? profile)
    {
        var config = profile is null ? null : new ProfileConfig(profile.Name);
        return new(
            cancellationToken => ResolveAsync(
                HasHigherPrecedenceSource(environment) ? null : config,
                cancellationToken),
            (redactor, exception) => HasHigherPrecedenceSource(environment) || profile is null
                ? CredentialErrorMessages.ForChain(environment, profileName, redactor, exception)
                : CredentialErrorMessages.ForProfile(environment, profile, redactor, exception));
    }

    // Also true for settings that AWSSDK.Core cannot use, so that their error is reported.
    private static bool HasCredentialSettings([NotNullWhen(true)] CredentialProfile? profile) =>
        profile?.Options is { } options
        && (options.AccessKey
            ?? options.SecretKey
            ?? options.RoleArn
            ?? options.SourceProfile
            ?? options.CredentialProcess
            ?? options.WebIdentityTokenFile
            ?? options.SsoStartUrl
            ?? options.SsoSession
            ?? options.SsoAccountId
            ?? options.LoginSession
            ?? options.EndpointName) is not null;

    /// <summary>Reads the current keys.</summary>
    /// <param name="request">
    /// The request to sign. Its payload and its client context are removed from exception messages.
    /// </param>
    /// <param name="options">The timeout and the clock.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="LambdaConfigurationException">No valid keys were received. The message has advice.</exception>
    public async Task<ImmutableCredentials> ReadAsync(
        InvokeWithResponseStreamRequest request,
        LambdaStreamingClientOptions options,
        CancellationToken cancellationToken)
    {
        ImmutableCredentials? keys;
        try
        {
            keys = _available is not null
                ? await _available.GetCredentialsAsync().ConfigureAwait(false)
                : await ReadWithinLimitAsync(request, options, cancellationToken).ConfigureAwait(false);
        }
        catch (LambdaConfigurationException)
        {
            throw;
        }
        catch (Exception exception)
            when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Whatever its type, the exception is a failure of the credentials, and nothing was sent. It is not
            // attached if it can contain a key, because web servers log inner exceptions.
            throw new LambdaConfigurationException(
                _explain(Redactor.Create(request), exception),
                innerException: ConfigurationErrors.CanContainKey(exception) ? null : exception);
        }

        if (keys is null) throw new LambdaConfigurationException(_explain(Redactor.Create(request), null));
        RequirePrintable(keys.AccessKey, "access key");
        RequirePrintable(keys.SecretKey, "secret access key");
        if (keys.UseToken) RequirePrintable(keys.Token, "session token");
        return keys;
    }

    private async Task<ImmutableCredentials?> ReadWithinLimitAsync(
        InvokeWithResponseStreamRequest request,
        LambdaStreamingClientOptions options,
        CancellationToken cancellationToken)
    {
        using var limit = new TimeLimit(options.CredentialsTimeout, options.TimeProvider, cancellationToken);
        try
        {
            return await _read(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
            when (!cancellationToken.IsCancellationRequested && limit.HasElapsed)
        {
            var explanation = _explain(Redactor.Create(request), null);
            throw new LambdaConfigurationException(
                CredentialErrorMessages.ForTimeout(options.CredentialsTimeout, explanation));
        }
    }

    // Access key and session token become headers, in which a line break would start another header. A secret key with
    // a line break creates a valid-looking signature that the service rejects.
    private static void RequirePrintable(string value, string name)
    {
        var index = value.AsSpan().IndexOfAnyExceptInRange('!', '~');
        if (index >= 0)
            throw new LambdaConfigurationException(CredentialErrorMessages.ForInvalidCharacter(name, value, index));
    }

    // Returns whether a source that precedes profiles in the order of AWS is set.
    private static bool HasHigherPrecedenceSource(AwsEnvironment environment) =>
        AWSConfigs.AWSCredentialsGenerators is not null
        || (environment["AWS_ACCESS_KEY_ID"] is not null && HasSecretKey(environment))
        || (environment["AWS_WEB_IDENTITY_TOKEN_FILE"] is not null && environment["AWS_ROLE_ARN"] is not null);

    // Source: AWSSDK.Core 4.0.102.19, EnvironmentVariablesAWSCredentials: AWS_SECRET_KEY is the older name.
    private static bool HasSecretKey(AwsEnvironment environment) =>
        (environment["AWS_SECRET_ACCESS_KEY"] ?? environment["AWS_SECRET_KEY"]) is not null;

    // Runs on the thread pool, because the resolver reads files and sends requests with blocking calls. WaitAsync is
    // needed because the resolver checks the token only between these calls. Its timers and file watchers would keep
    // the ExecutionContext of the first call, with its AsyncLocal values, alive.
    private static Task<ImmutableCredentials?> ResolveAsync(
        ProfileConfig? config,
        CancellationToken cancellationToken)
    {
        using var suppressed = ExecutionContext.SuppressFlow();
        return Task.Run(
            async () =>
            {
                var credentials = await Resolver.Value.ResolveIdentityAsync(config, cancellationToken)
                    .ConfigureAwait(false);
                return (ImmutableCredentials?)await credentials.GetCredentialsAsync().ConfigureAwait(false);
            },
            cancellationToken).WaitOrAbandonAsync(cancellationToken);
    }

    private static bool IsAvailable(Type credentials) =>
        credentials == typeof(BasicAWSCredentials) || credentials == typeof(SessionAWSCredentials);

    // Runs on the thread pool, because most types of credentials can block, even in GetCredentialsAsync, which does not
    // accept a token.
    private static Task<ImmutableCredentials?> ReadAsync(
        AWSCredentials credentials,
        CancellationToken cancellationToken) =>
        Task.Run<ImmutableCredentials?>(credentials.GetCredentialsAsync, cancellationToken)
            .WaitOrAbandonAsync(cancellationToken);
}
