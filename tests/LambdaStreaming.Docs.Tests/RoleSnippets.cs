using System.Collections.Concurrent;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Tests that change the environment variables of the process. They do not run in parallel.</summary>
[CollectionDefinition(nameof(ProcessEnvironment), DisableParallelization = true)]
public sealed class ProcessEnvironment;

/// <summary>
/// The code about roles in docs/permissions.md and docs/dependency-injection.md, with a local server for AWS STS.
/// </summary>
[Collection(nameof(ProcessEnvironment))]
public sealed class RoleSnippets : IAsyncLifetime
{
    private const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    private readonly ConcurrentQueue<string> _authorizations = [];
    private WebApplication? _sts;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _sts = builder.Build();
        _sts.MapPost("/", async (HttpContext http) =>
        {
            var form = await http.Request.ReadFormAsync(http.RequestAborted);
            _authorizations.Enqueue(http.Request.Headers.Authorization.ToString());
            return Results.Content(CreateResult(form["RoleArn"].ToString()), "text/xml");
        });
        await _sts.StartAsync(Ct);
        Environment.SetEnvironmentVariable("AWS_ENDPOINT_URL_STS", _sts.Urls.Single());
    }

    public async ValueTask DisposeAsync()
    {
        Environment.SetEnvironmentVariable("AWS_ENDPOINT_URL_STS", null);
        if (_sts is not null) await _sts.DisposeAsync();
    }

    [Fact]
    public async Task AssumeRole()
    {
        // begin: assume-role
        var role = new AssumeRoleAWSCredentials(
            DefaultAWSCredentialsIdentityResolver.GetCredentials(),     // those of the environment or the profile
            "arn:aws:iam::123456789012:role/caller",
            "my-app");     // the name of the session
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions { Credentials = role });
        // end: assume-role

        var credentials = await role.GetCredentialsAsync();
        var source = await LocalAws.Server.Credentials.GetCredentialsAsync();
        Assert.Equal("ASIA123456789012", credentials.AccessKey);
        var authorization = Assert.Single(_authorizations);
        Assert.Contains($"Credential={source.AccessKey}/", authorization, StringComparison.Ordinal);
        Assert.Contains($"/{LocalAws.Server.Region.SystemName}/sts/", authorization, StringComparison.Ordinal);
    }

    /// <summary>Each server accepts only the credentials of one role, and signatures for its region.</summary>
    [Fact]
    public async Task Container()
    {
        await using var euServer = await StartLambdaAsync(RegionEndpoint.EUCentral1, "123456789012");
        await using var usServer = await StartLambdaAsync(RegionEndpoint.USEast1, "210987654321");
        var builder = WebApplication.CreateSlimBuilder();

        // begin: di-roles
        // The credentials of the app itself, which must have permission to assume both roles.
        var source = DefaultAWSCredentialsIdentityResolver.GetCredentials();

        builder.Services.AddLambdaStreamingClient("eu", options =>
        {
            options.Region = RegionEndpoint.EUCentral1;
            options.Credentials = new AssumeRoleAWSCredentials(
                source, "arn:aws:iam::123456789012:role/caller", "my-app");
        });
        builder.Services.AddLambdaStreamingClient("us", options =>
        {
            options.Region = RegionEndpoint.USEast1;
            options.Credentials = new AssumeRoleAWSCredentials(
                source, "arn:aws:iam::210987654321:role/caller", "my-app");
        });
        // end: di-roles

        SetServer("eu", euServer);
        SetServer("us", usServer);
        await using var app = builder.Build();

        Assert.Equal("eu-central-1", await CallAsync("eu"));
        Assert.Equal("us-east-1", await CallAsync("us"));

        void SetServer(string name, LocalLambdaServer server) =>
            builder.Services.Configure<LambdaStreamingClientOptions>(name, options =>
            {
                options.ServiceUrl = server.ServiceUrl;
                options.ConnectTimeout = TimeSpan.FromMinutes(1);   // a busy machine can need more than the default
            });

        async Task<string> CallAsync(string name)
        {
            var client = app.Services.GetRequiredKeyedService<ILambdaStreamingClient>(name);
            await using var response = await client.InvokeWithResponseStreamAsync(new("region"), Ct);
            return await response.ReadAsStringAsync(cancellationToken: Ct);
        }
    }

    [Fact]
    public async Task Tenants()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            server =>
            {
                server.VerifySignatures = false;
                server.AddFunction("my-function");
            },
            Ct);
        Environment.SetEnvironmentVariable("AWS_ENDPOINT_URL_LAMBDA", lambda.ServiceUrl.ToString());
        try
        {
            // begin: permissions-tenants
            // The clients share one HttpClient, and therefore its connections.
            var handler = new SendOnceHandler(LambdaStreamingClient.CreateHandler(new LambdaStreamingClientOptions()));
            using var httpClient = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
            var source = DefaultAWSCredentialsIdentityResolver.GetCredentials();
            var clients = new ConcurrentDictionary<string, ILambdaStreamingClient>();

            ILambdaStreamingClient GetClient(string role) => clients.GetOrAdd(role, _ =>
            {
                var credentials = new AssumeRoleAWSCredentials(source, role, "my-app");
                var options = new LambdaStreamingClientOptions { Credentials = credentials };
                return new LambdaStreamingClient(options, httpClient);
            });
            // end: permissions-tenants

            await CallAsync("arn:aws:iam::123456789012:role/caller");
            await CallAsync("arn:aws:iam::210987654321:role/caller");
            await CallAsync("arn:aws:iam::123456789012:role/caller");

            async Task CallAsync(string role)
            {
                await using var response = await GetClient(role).InvokeWithResponseStreamAsync(new("my-function"), Ct);
                Assert.Equal("", await response.ReadAsStringAsync(cancellationToken: Ct));
            }
        }
        finally
        {
            Environment.SetEnvironmentVariable("AWS_ENDPOINT_URL_LAMBDA", LocalAws.Server.ServiceUrl.ToString());
        }

        Assert.Equal(
            ["ASIA123456789012", "ASIA210987654321", "ASIA123456789012"],
            lambda.Requests.Select(request => request.Headers["Authorization"].Split('=', '/')[1]));
        Assert.Equal(2, _authorizations.Count);
    }

    private static Task<LocalLambdaServer> StartLambdaAsync(RegionEndpoint region, string account) =>
        LocalLambdaServer.StartAsync(
            server =>
            {
                server.Region = region;
                server.Credentials = new SessionAWSCredentials("ASIA" + account, SecretKey, "token");
                server.AddFunction("region", (_, response, token) => response.WriteTextAsync(region.SystemName, token));
            },
            Ct);

    /// <summary>Returns credentials whose access key contains the account of the role.</summary>
    private static string CreateResult(string role)
    {
        var account = role.Split(':')[4];
        return $"""
            <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
              <AssumeRoleResult>
                <AssumedRoleUser>
                  <Arn>arn:aws:sts::{account}:assumed-role/caller/my-app</Arn>
                  <AssumedRoleId>A:my-app</AssumedRoleId>
                </AssumedRoleUser>
                <Credentials>
                  <AccessKeyId>ASIA{account}</AccessKeyId>
                  <SecretAccessKey>{SecretKey}</SecretAccessKey>
                  <SessionToken>token</SessionToken>
                  <Expiration>{TimeProvider.System.GetUtcNow().AddHours(1):yyyy-MM-ddTHH:mm:ssZ}</Expiration>
                </Credentials>
              </AssumeRoleResult>
              <ResponseMetadata>
                <RequestId>1</RequestId>
              </ResponseMetadata>
            </AssumeRoleResponse>
            """;
    }
}
