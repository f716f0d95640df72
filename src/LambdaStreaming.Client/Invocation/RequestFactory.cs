using System.Diagnostics.CodeAnalysis;
using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Configuration;
using LambdaStreaming.Errors;
using LambdaStreaming.Signing;

namespace LambdaStreaming.Invocation;

/// <summary>Creates the signed request of an attempt.</summary>
internal sealed class RequestFactory(
    LambdaStreamingClientOptions options,
    AwsEnvironment environment,
    ClockSkew clockSkew)
{
    private SigningCredentials? _credentials;

    /// <exception cref="LambdaConfigurationException">The credentials could not be resolved.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The request disposes its content.")]
    public async Task<HttpRequestMessage> CreateAsync(InvocationAttempt attempt, CancellationToken cancellationToken)
    {
        var invocation = attempt.Invocation;
        var keys = await GetKeysAsync(attempt, cancellationToken).ConfigureAwait(false);
        var message = new HttpRequestMessage(HttpMethod.Post, invocation.Url)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        message.Content = new SingleSendContent(invocation.Request.Payload, attempt.Guard, message.Headers);
        AddParameters(message, invocation.Request);
        Sign(attempt, message, keys);
        AddUnsignedHeaders(attempt, message);
        return message;
    }

    private async Task<ImmutableCredentials> GetKeysAsync(
        InvocationAttempt attempt,
        CancellationToken cancellationToken)
    {
        var invocation = attempt.Invocation;
        _credentials ??= SigningCredentials.Create(options, invocation.Settings, environment);
        try
        {
            return await _credentials.ReadAsync(invocation.Request, options, cancellationToken).ConfigureAwait(false);
        }
        catch (LambdaConfigurationException exception)
        {
            // This attempt was not sent, so only the earlier attempts count.
            var details = attempt.Describe() with { Attempts = attempt.Number - 1 };
            var message = details.FunctionMayHaveRun == true
                ? $"{exception.Message} {ExceptionMessages.EarlierAttemptMightHaveRun}"
                : exception.Message;
            throw new LambdaConfigurationException(message, details, exception.InnerException);
        }
    }

    // Source: AWS Lambda API reference, InvokeWithResponseStream, Request syntax.
    private static void AddParameters(HttpRequestMessage message, InvokeWithResponseStreamRequest request)
    {
        // The names of these types are the values of the service.
        Add("X-Amz-Invocation-Type", request.ExplicitInvocationType?.ToString());
        Add("X-Amz-Log-Type", request.ExplicitLogType?.ToString());
        Add("X-Amz-Client-Context", request.ClientContext);
        Add("X-Amz-Tenant-Id", request.TenantId);

        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value)) message.Headers.TryAddWithoutValidation(name, value);
        }
    }

    private void Sign(InvocationAttempt attempt, HttpRequestMessage message, ImmutableCredentials keys)
    {
        var (request, settings) = (attempt.Invocation.Request, attempt.Invocation.Settings);
        attempt.ClockSkew = clockSkew.GetOffset(settings.Endpoint);
        var signedAt = options.TimeProvider.GetUtcNow() + attempt.ClockSkew;
        RequestSigner.Sign(message, request.Payload, keys, settings.Region, signedAt);
        attempt.Redactor = Redactor.Create(
            request,
            keys.AccessKey.AsMemory(),
            keys.SecretKey.AsMemory(),
            keys.Token.AsMemory(),
            RequestSigner.GetSignature(message));
    }

    // These headers are not signed, because proxies and retries can change them. Source: AWSSDK.Core does not sign them
    // either.
    private void AddUnsignedHeaders(InvocationAttempt attempt, HttpRequestMessage message)
    {
        message.Headers.TryAddWithoutValidation("User-Agent", attempt.Invocation.Settings.UserAgent);
        message.Headers.TryAddWithoutValidation(SendGuard.InvocationIdHeader, attempt.Invocation.Id);
        message.Headers.TryAddWithoutValidation(SendGuard.AttemptHeader, attempt.Header);
        TraceContext.AddTo(message, options.TraceHeaders, environment);
    }
}
