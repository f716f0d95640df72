using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;
using LambdaStreaming.Configuration;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Signing;

/// <summary>Where the keys of a signature come from. They are read anew for every attempt, so that those which rotate are always fresh.</summary>
internal sealed class SigningCredentials
{
    // Outside a class that AWS gives, one resolver for all clients: it caches, and watches environment and files for changes.
    private static readonly Lazy<DefaultAWSCredentialsIdentityResolver> Resolver = new();

    private readonly Func<CancellationToken, Task<ImmutableCredentials?>> _read;
    private readonly Func<Redactor, Exception?, string> _explain;

    // Credentials that are read without waiting; null for all others.
    private readonly AWSCredentials? _held;

    private SigningCredentials(
        Func<CancellationToken, Task<ImmutableCredentials?>> read,
        Func<Redactor, Exception?, string> explain,
        AWSCredentials? held = null)
    {
        _read = read;
        _explain = explain;
        _held = held;
    }

    /// <summary>The credentials of a client.</summary>
    public static SigningCredentials Create(
        LambdaStreamingClientOptions options,
        ResolvedConfiguration settings,
        AwsEnvironment environment)
    {
        if (options.Credentials is { } credentials) return From(credentials);
        if (options.Profile is not null) return OfProfile(settings.Profile!);

        // AWS's order: environment, profile, container and instance. A profile with credential settings is resolved by
        // name, so that its own error surfaces; the chain would fall through to the network and report that instead.
        return ForChain(environment, settings.ProfileName, HasCredentialSettings(settings.Profile) ? settings.Profile : null);
    }

    // Credentials that the program gave.
    private static SigningCredentials From(AWSCredentials credentials) => new(
        cancellationToken => ReadAsync(credentials, cancellationToken),
        (redactor, exception) => $"The {nameof(LambdaStreamingClientOptions)}.{nameof(LambdaStreamingClientOptions.Credentials)} ({credentials.GetType().Name}) gave no keys{Reason(redactor, exception)}",
        IsHeld(credentials.GetType()) ? credentials : null);

    private static SigningCredentials OfProfile(CredentialProfile profile)
    {
        var config = new ProfileConfig(profile.Name);
        return new(
            cancellationToken => ResolveAsync(config, cancellationToken),
            (redactor, exception) => CredentialErrorMessages.ForProfile(profile, redactor, exception));
    }

    // AWS's own chain, of which the profile is a part: environment, web identity, profile, container, instance.
    private static SigningCredentials ForChain(AwsEnvironment environment, string profileName, CredentialProfile? profile)
    {
        var config = profile is null ? null : new ProfileConfig(profile.Name);
        return new(
            cancellationToken => ResolveAsync(HasHigherPrecedenceSource(environment) ? null : config, cancellationToken),
            (redactor, exception) => HasHigherPrecedenceSource(environment) || profile is null ? CredentialErrorMessages.ForChain(environment, profileName, redactor, exception) : CredentialErrorMessages.ForProfile(profile, redactor, exception));
    }

    // Also if AWSSDK.Core cannot use them.
    private static bool HasCredentialSettings([NotNullWhen(true)] CredentialProfile? profile) =>
        profile?.Options is { } options
        && (options.AccessKey ?? options.SecretKey ?? options.RoleArn ?? options.SourceProfile ?? options.CredentialProcess ?? options.WebIdentityTokenFile ?? options.SsoStartUrl ?? options.SsoSession ?? options.SsoAccountId ?? options.LoginSession ?? options.EndpointName) is not null;

    /// <summary>The present keys.</summary>
    /// <exception cref="LambdaConfigurationException">There are none; the message says what to do.</exception>
    /// <param name="request">What the keys are for. No message shows its payload.</param>
    /// <param name="options">The limit of the wait, and its clock.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<ImmutableCredentials> ReadAsync(
        InvokeWithResponseStreamRequest request,
        LambdaStreamingClientOptions options,
        CancellationToken cancellationToken)
    {
        ImmutableCredentials? keys;
        try
        {
            keys = _held is not null
                ? await _held.GetCredentialsAsync().ConfigureAwait(false)
                : await ReadWithinLimitAsync(request, options, cancellationToken).ConfigureAwait(false);
        }
        catch (LambdaConfigurationException)
        {
            throw;
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Whatever type it has: it is the credentials' failure, nothing was sent, and its own words are kept.
            throw new LambdaConfigurationException(_explain(Redactor.Create(request), exception), exception);
        }

        if (keys is null) throw new LambdaConfigurationException(_explain(Redactor.Create(request), null));
        Check(keys.AccessKey, "access key");
        Check(keys.SecretKey, "secret access key");
        if (keys.UseToken) Check(keys.Token, "session token");
        return keys;
    }

    private async Task<ImmutableCredentials?> ReadWithinLimitAsync(
        InvokeWithResponseStreamRequest request,
        LambdaStreamingClientOptions options,
        CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.CredentialsTimeout, options.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await _read(linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && limit.IsCancellationRequested)
        {
            const string Option = nameof(LambdaStreamingClientOptions.CredentialsTimeout);
            var seconds = options.CredentialsTimeout.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture);
            throw new LambdaConfigurationException(
                $"The credentials did not arrive within {seconds} s ({Option}). {_explain(Redactor.Create(request), null)}");
        }
    }

    // Key id and token become headers, where a line end would begin another one. A secret key signs with its line end, so
    // that the service refuses a signature which looks right.
    private static void Check(string value, string what)
    {
        if (value.AsSpan().IndexOfAnyExceptInRange('!', '~') is >= 0 and var at)
            throw new LambdaConfigurationException($"The {what} of the credentials has a character (U+{(int)value[at]:X4}, number {at + 1} of {value.Length}) that no {what} has; it is printable ASCII without blanks. A line end that came along from a file or a secret store is the usual cause.");
    }

    // What stands before profiles in AWS's order.
    private static bool HasHigherPrecedenceSource(AwsEnvironment environment) =>
        AWSConfigs.AWSCredentialsGenerators is not null
        || (environment["AWS_ACCESS_KEY_ID"] is not null && environment["AWS_SECRET_ACCESS_KEY"] is not null)
        || (environment["AWS_WEB_IDENTITY_TOKEN_FILE"] is not null && environment["AWS_ROLE_ARN"] is not null);

    private static Task<ImmutableCredentials?> ResolveAsync(ProfileConfig? config, CancellationToken cancellationToken) =>
        // The resolver reads files and asks the network by calls that block, and knows the token only between them.
        Task.Run(
            async () =>
            {
                var credentials = await Resolver.Value.ResolveIdentityAsync(config, cancellationToken).ConfigureAwait(false);
                return (ImmutableCredentials?)await credentials.GetCredentialsAsync().ConfigureAwait(false);
            },
            cancellationToken).IgnoreUnobservedException().WaitAsync(cancellationToken);

    private static bool IsHeld(Type credentials) =>
        credentials == typeof(BasicAWSCredentials) || credentials == typeof(SessionAWSCredentials);

    // Most credentials may block, even in GetCredentialsAsync, which takes no token.
    private static Task<ImmutableCredentials?> ReadAsync(
        AWSCredentials credentials,
        CancellationToken cancellationToken) =>
        Task.Run<ImmutableCredentials?>(credentials.GetCredentialsAsync, cancellationToken)
            .IgnoreUnobservedException()
            .WaitAsync(cancellationToken);

    private static string Reason(Redactor redactor, Exception? exception) => exception is null ? "." : $": {CredentialErrorMessages.Describe(redactor, exception)}";
}
